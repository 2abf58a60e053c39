import assert from "node:assert/strict";
import { parseSignedSnapshot } from "../../src/wire/signed_snapshot.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { copyFolder } from "../store/open_store.ts";
import { eventually } from "./eventually.ts";
import { SnapshotProxy } from "./snapshot_proxy.ts";
import { Stage } from "./stage.ts";

/** Keeps the stream away, so that what is served came by pulls alone. */
const PULLS_ONLY = { stream: { backoff_base: "1h", backoff_max: "1h" } };

async function setMetadata(stage: Stage, nodeId: string, value: string) {
  await stage.admin.call("PUT", `/nodes/${nodeId}/metadata/a`, { value });
}

async function served(stage: Stage): Promise<string | undefined> {
  const { status, body } = await stage.local("/v1/state/metadata/a");
  return status === 200 ? JSON.parse(body).value : undefined;
}

function servedWhen(stage: Stage, value: string): Promise<string> {
  return eventually(`"${value}" is served`, async () => {
    const now = await served(stage);
    return now === value ? now : undefined;
  });
}

function refusedWith(stage: Stage, why: RegExp): Promise<StatusDocument> {
  return stage.statusWhen(
    `a pull is refused: ${why}`,
    ({ pull }) => why.test(pull.last_error ?? ""),
  );
}

for (const dialect of [1, 2] as const) {
  Deno.test(`an attacker between node and control plane has no way with states, dialect ${dialect}`, async () => {
    // Closed after the agent, which would not let go of it.
    await using proxy = new SnapshotProxy(() => stage.url);
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const agent = { url: proxy.url };
    const { node_id } = await stage.startAgent(agent);
    await setMetadata(stage, node_id, "old");
    await servedWhen(stage, "old");
    const { signed_state } = await stage.statusWhen(
      "a snapshot is active",
      ({ signed_state }) => (signed_state.snapshot?.version ?? 0) > 1,
    );
    assert.equal(signed_state.trust_bundle_version, 1);
    const old = proxy.seen.at(-1)!;
    await setMetadata(stage, node_id, "new");
    await stage.statusWhen(
      "the new snapshot is active",
      (status) =>
        (status.signed_state.snapshot?.version ?? 0) >
          signed_state.snapshot!.version,
    );
    await servedWhen(stage, "new");
    const applied = await eventually("the control plane is told", async () => {
      const node = await stage.admin.call("GET", `/nodes/${node_id}`);
      const { applied_snapshot } = node as Record<string, unknown>;
      return applied_snapshot as { version: number } | null ?? undefined;
    });
    assert.ok(applied.version >= 1);

    const foreign = `"scope":"node:${node_id.replace(/.$/, "x")}"`;
    const attacks: [RegExp, (genuine: string) => string, string?][] = [
      [/older than one that was activated/, () => old],
      [/content is another one/, (text) => text.replace('"new"', '"bad"')],
      [
        /signature is wrong/,
        (text) => text.replace('"version":', '"version":9'),
      ],
      [/for another node/, (text) => text.replace(/"scope":"[^"]*"/, foreign)],
      [/not the expected document/, (text) => text.slice(0, -9)],
      [
        /not signed, though one before was/,
        // What every unsigned state of dialect 2 has, and dialect 1 passes over.
        (text) =>
          parseSignedSnapshot(text).content
            .replace("{", '{"reachability":{"state":""},'),
        "application/json",
      ],
    ];
    for (const [why, forge, contentType] of attacks) {
      proxy.forge = (genuine) => ({
        text: forge(genuine),
        ...(contentType ? { contentType } : {}),
      });
      await refusedWith(stage, why);
      assert.equal(await served(stage), "new");
    }
    // The last two of them meet an agent that knows only what is on disk.
    for (const [why, forge, contentType] of [attacks[0]!, attacks.at(-1)!]) {
      await stage.killAgent();
      proxy.forge = (genuine) => ({
        text: forge(genuine),
        ...(contentType ? { contentType } : {}),
      });
      await stage.startAgent(agent);
      await refusedWith(stage, why);
      assert.equal(await served(stage), "new");
    }
    proxy.forge = () => undefined;
    await stage.statusWhen("all is well again", ({ pull }) => !pull.last_error);
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a restored control plane contradicts itself, then begins a new epoch, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent({ settings: PULLS_ONLY });
    await stage.admin.call("PUT", `/nodes/${node_id}/secrets/s`, {
      value: "x",
    });
    const backup = `${stage.folder}/backup`;
    await stage.stopControlPlane();
    copyFolder(stage.controlPlaneDir, backup);
    await stage.startControlPlane();
    await setMetadata(stage, node_id, "before");
    await servedWhen(stage, "before");
    const { signed_state: before } = await stage.status();
    const restore = async (...flags: string[]) => {
      await stage.stopControlPlane();
      await Deno.remove(stage.controlPlaneDir, { recursive: true });
      copyFolder(backup, stage.controlPlaneDir);
      await stage.startControlPlane(...flags);
    };

    // The same version comes again, with something else in it.
    await restore();
    await setMetadata(stage, node_id, "other");
    const isDisputed = ({ reasons }: StatusDocument) =>
      reasons.some(({ reason }) => reason === "equivocation");
    await stage.statusWhen("it contradicts itself", isDisputed);
    assert.equal(await served(stage), "before");
    const secret = await stage.local("/v1/state/secrets/s", {});
    assert.notEqual(secret.status, 200);
    await stage.killAgent();
    await stage.startAgent({ settings: PULLS_ONLY });
    assert.ok(isDisputed(await stage.status()), "and that outlives a restart");

    await restore("--new-epoch");
    await setMetadata(stage, node_id, "after");
    await refusedWith(stage, /epoch \d+ has not been accepted/);
    assert.equal(await served(stage), "before");
    const accepted = await stage.run("store", "accept-epoch");
    assert.equal(accepted.code, 0, accepted.stderr);
    await servedWhen(stage, "after");
    const { signed_state: after } = await stage.statusWhen(
      "the dispute is over",
      (status) => !isDisputed(status),
    );
    assert.ok(after.snapshot!.epoch > before.snapshot!.epoch);
    const again = await stage.run("store", "accept-epoch");
    assert.equal(again.code, 1);
    assert.match(again.stderr, /has not offered a new epoch/);
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`what was signed is served offline, until it expires and must not be, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane(
      "--snapshot-lifetime=4s",
      "--snapshots=required",
    );
    await stage.leaveToken();
    const options = { settings: { trust: { on_expiry: "refuse" } } };
    const { node_id } = await stage.startAgent(options);
    await setMetadata(stage, node_id, "x");
    await servedWhen(stage, "x");
    await stage.statusWhen(
      "it is signed",
      ({ signed_state }) => (signed_state.snapshot?.version ?? 0) > 1,
    );
    await stage.stopControlPlane();
    const isExpired = ({ reasons }: StatusDocument) =>
      reasons.some(({ reason }) => reason === "snapshot_expired");
    await stage.killAgent();
    await stage.startAgent(options);
    await stage.statusWhen("it has expired", isExpired);
    const { status, body } = await stage.local("/v1/state/metadata/a");
    assert.equal(status, 503);
    assert.equal(JSON.parse(body).reason, "snapshot_expired");
    await stage.startControlPlane("--snapshot-lifetime=1h");
    await servedWhen(stage, "x");
    assert.equal(isExpired(await stage.status()), false);
  });
}
