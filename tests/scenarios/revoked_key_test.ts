import assert from "node:assert/strict";
import type { StatusDocument } from "../../src/wire/status.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

interface ListedKey {
  readonly key_id: string;
  readonly public_key: string;
  readonly state: string;
}

async function keysOf(stage: Stage): Promise<readonly ListedKey[]> {
  const answer = await stage.admin.call("GET", "/signing-keys");
  return (answer as { signing_keys: ListedKey[] }).signing_keys;
}

function revoke(stage: Stage, key: ListedKey): Promise<unknown> {
  return stage.admin.call("POST", `/signing-keys/${key.key_id}/revoke`);
}

/** Which keys the node believes, as it has them on disk. */
function trusted(stage: Stage): { current: string; previous?: string } {
  const file = `${stage.membership}/trust/keys.json`;
  return JSON.parse(Deno.readTextFileSync(file));
}

async function bundleWith(stage: Stage, key: ListedKey) {
  await eventually(`the node knows that ${key.key_id} is revoked`, () => {
    const file = `${stage.membership}/trust/bundle.json`;
    const { revoked_key_ids } = JSON.parse(Deno.readTextFileSync(file));
    return revoked_key_ids.includes(key.key_id) || undefined;
  });
}

async function arrives(stage: Stage, nodeId: string, value: string) {
  await stage.admin.call("PUT", `/nodes/${nodeId}/metadata/a`, { value });
  await eventually(`"${value}" arrives`, async () => {
    const { status, body } = await stage.local("/v1/state/metadata/a");
    return status === 200 && JSON.parse(body).value === value || undefined;
  });
}

const signedBy = ({ signed_state }: StatusDocument) =>
  signed_state.snapshot?.version ?? 0;

for (const dialect of [1, 2] as const) {
  Deno.test(`a signing key that is revoked is believed no more, whether it signs or has signed, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    await arrives(stage, node_id, "one");
    const [first] = await keysOf(stage);
    assert.equal(first?.state, "current");

    // One that has retired, and would still be accepted for an hour.
    await stage.admin.call("POST", "/signing-keys/rotate", {
      transition: "1h",
    });
    await eventually(
      "the node accepts both",
      () => trusted(stage).previous === first.public_key || undefined,
    );
    const { signed_state: before } = await stage.status();
    await revoke(stage, first);
    await eventually(
      "the node accepts one",
      () => trusted(stage).previous === undefined || undefined,
    );
    await bundleWith(stage, first);
    const after = await stage.statusWhen(
      "the bundle's version has risen",
      ({ signed_state }) =>
        (signed_state.trust_bundle_version ?? 0) >
          (before.trust_bundle_version ?? 0),
    );
    assert.ok(signedBy(after) > 0);
    // Once more is the same.
    const version = after.signed_state.trust_bundle_version;
    await revoke(stage, first);
    await arrives(stage, node_id, "two");
    const { signed_state: again } = await stage.status();
    assert.equal(again.trust_bundle_version, version);

    // The one that signs now: another takes its place at once.
    const second = (await keysOf(stage)).at(-1)!;
    await revoke(stage, second);
    await bundleWith(stage, second);
    const third = (await keysOf(stage)).at(-1)!;
    await eventually(
      "the node believes the next one",
      () => trusted(stage).current === third.public_key || undefined,
    );
    assert.deepEqual(
      (await keysOf(stage)).map(({ state }) => state),
      ["revoked", "revoked", "current"],
    );
    await arrives(stage, node_id, "three");

    // What is stored was signed anew, so a start without control plane has it.
    const pointer = () =>
      JSON.parse(
        Deno.readTextFileSync(`${stage.membership}/snapshots/active.json`),
      );
    await eventually(
      "the active snapshot is of the third key",
      () => pointer().active.key_id === third.key_id || undefined,
    );
    await stage.stopControlPlane();
    await stage.killAgent();
    await stage.startAgent();
    assert.match(await stage.read("/v1/state/metadata/a"), /three/);

    await stage.startControlPlane();
    await assert.rejects(
      stage.admin.call("POST", "/signing-keys/nobodys/revoke"),
      /key/,
    );
  });
}
