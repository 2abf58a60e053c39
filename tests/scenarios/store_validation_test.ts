import assert from "node:assert/strict";
import { restoreState } from "../../src/agent/restore_state.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { type Membership, openMembership } from "../../src/store/membership.ts";
import { loadSealKey } from "../../src/store/seal_key.ts";
import { encodeSnapshot } from "../../src/wire/signed_snapshot.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { CrashDisk } from "../store/crash_disk.ts";
import { filesBelow } from "../store/full_store.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { signedSnapshot } from "../trust/snapshots.ts";
import { eventually } from "./eventually.ts";
import { listing } from "./files.ts";
import { Stage } from "./stage.ts";

/**
 * The validation tests of the seed Node Local State Store, section 13, by its
 * own words, most of them with real processes. That the caches expire is told
 * by tests of the same names in tests/store/ and tests/sync/.
 */

/** What a namespace has to have, by the seed's section 3. */
const NAMESPACE = [
  "identity",
  "trust",
  "snapshots",
  "peers",
  "routes",
  "services",
  "health",
  "updates",
  "telemetry",
  "tmp",
];

/** Has a node of its own, with `metadata/a` set to each of the values in turn. */
async function withNode(
  stage: Stage,
  ...values: readonly string[]
): Promise<StatusDocument> {
  await stage.startControlPlane();
  await stage.leaveToken();
  let status = await stage.startAgent();
  for (const value of values) {
    const path = `/nodes/${status.node_id}/metadata/a`;
    await stage.admin.call("PUT", path, { value });
    status = await eventually(
      `a snapshot with "${value}" is active`,
      async () => {
        if (await served(stage) !== value) return undefined;
        const now = await stage.status();
        const { version = 0 } = now.signed_state.snapshot ?? {};
        return version >= (now.state.version ?? Infinity) ? now : undefined;
      },
    );
  }
  return status;
}

async function served(stage: Stage): Promise<string> {
  return JSON.parse(await stage.read("/v1/state/metadata/a")).value;
}

const hasReason = ({ reasons }: StatusDocument, wanted: string) =>
  reasons.some(({ reason }) => reason === wanted);

Deno.test("fresh install creates expected namespace layout", async () => {
  await using stage = await Stage.open();
  await withNode(stage);
  const found = listing(stage.dataDir);
  const folders = found.filter(({ kind }) => kind === "folder")
    .map(({ path }) => path);
  for (const name of ["/agent", "/clusters", "/clusters/default"]) {
    assert.ok(folders.includes(name), name);
  }
  for (const name of NAMESPACE) {
    assert.ok(folders.includes(`/clusters/default/${name}`), name);
  }
  for (const { path, kind, mode } of found) {
    assert.equal(mode, kind === "folder" ? 0o700 : 0o600, path);
  }
});

/** Two snapshots that differ in two places, and what a crash may leave. */
const OLD = signedState(1, "old");
const NEW = signedState(2, "new");

function signedState(version: number, value: string) {
  const data = [{
    key: "b",
    content_type: "text/plain",
    payload: value,
    version,
    updated_at: "2026-03-01T12:00:00Z",
  }];
  const content = { peers: [], policies: [], metadata: { a: value }, data };
  return signedSnapshot({
    epoch: 1,
    version,
    content: JSON.stringify(content),
  });
}

const NODE = { nodeId: OLD.scope.slice("node:".length), dialect: 1 } as const;

async function activate(
  { snapshots }: Membership,
  snapshot: typeof OLD,
): Promise<void> {
  await snapshots.stage(encodeSnapshot(snapshot));
  await snapshots.activate({
    epoch: snapshot.epoch,
    version: snapshot.version,
    contentSha256: snapshot.contentSha256,
    issuedAtMs: Date.parse(snapshot.issuedAt),
    expiresAtMs: Date.parse(snapshot.expiresAt),
  });
}

/** What a start serves from that folder: the two places, and the version. */
async function startedFrom(dataDir: string): Promise<string> {
  const { store, clock, log } = await openStore(dataDir);
  const io: Platform = { clock, log, random: new FakeRandom() };
  const ref = await restoreState(store, NODE, io);
  const { metadata, data } = store.state.view;
  const seen = `${metadata.get("a")} ${data.get("b")?.payload} ${ref?.version}`;
  await store.close();
  return seen;
}

/** Ends the world at each step of an activation in turn. @returns what is seen. */
async function interruptedEverywhere(): Promise<string[]> {
  const seen: string[] = [];
  for (let at = 1;; at++) {
    let reached = true;
    await inFolder(async (dataDir) => {
      const before = await openStore(dataDir);
      await activate(before.store, OLD);
      await before.store.close();
      assert.equal(await startedFrom(dataDir), 'old "old" 1');
      const disk = new CrashDisk();
      const { store } = await openStore(dataDir, disk);
      disk.plan({ at, then: "end" });
      await activate(store, NEW).catch(() => {});
      ({ reached } = disk);
      await store.close().catch(() => {});
      seen.push(await startedFrom(dataDir));
    });
    if (!reached) return seen;
  }
}

Deno.test("valid snapshot activates atomically", async () => {
  const seen = await interruptedEverywhere();
  // The last run was not interrupted.
  assert.equal(seen.at(-1), 'new "new" 2');
  assert.deepEqual([...new Set(seen)], ['old "old" 1', 'new "new" 2']);
  assert.ok(seen.length > 5, `only ${seen.length} steps`);
});

Deno.test("interrupted activation recovers to previous valid snapshot", async () => {
  await using stage = await Stage.open();
  const { signed_state } = await withNode(stage, "old", "new");
  const { epoch, version } = signed_state.snapshot!;
  await stage.stopControlPlane();
  await stage.killAgent();
  // What was there before `state/` had followed, with the newest file torn.
  const { membership } = stage;
  Deno.truncateSync(`${membership}/snapshots/${epoch}-${version}.sealed`, 99);
  Deno.writeTextFileSync(`${membership}/snapshots/pending.sealed`, "torn");
  Deno.removeSync(`${membership}/state`, { recursive: true });

  const status = await stage.startAgent();
  assert.equal(await served(stage), "old");
  assert.ok(status.signed_state.snapshot!.version < version);
  assert.ok(hasReason(status, "corruption_recovered"));
  assert.ok(status.store.recoveries >= 2);
  await stage.startControlPlane();
  await eventually("a pull brings the newest again", async () => {
    const { signed_state } = await stage.status();
    const isBack = signed_state.snapshot!.version >= version;
    return isBack && await served(stage) === "new" || undefined;
  });
});

Deno.test("corrupted pending update is ignored", async () => {
  await using stage = await Stage.open();
  const { signed_state } = await withNode(stage, "x");
  await stage.stopControlPlane();
  await stage.stopAgent();
  const { membership } = stage;
  for (
    const file of ["updates/updates.json", "snapshots/pending.sealed"]
  ) Deno.writeTextFileSync(`${membership}/${file}`, '{"pending":{"artifa');

  const status = await stage.startAgent();
  assert.equal(await served(stage), "x");
  assert.equal(status.updates.pending, null);
  assert.equal(
    status.signed_state.snapshot?.version,
    signed_state.snapshot?.version,
  );
  assert.ok(hasReason(status, "corruption_recovered"));
  assert.ok(!listing(membership).some(({ path }) => path.includes("pending")));
});

Deno.test("corrupted active identity fails closed", async () => {
  await using stage = await Stage.open();
  await withNode(stage);
  const report = { content_type: "text/plain", payload: "kept" };
  const put = await stage.local("/v1/state/report/own", {
    method: "PUT",
    body: JSON.stringify(report),
  });
  assert.equal(put.status, 200);
  await stage.stopAgent();
  const { membership } = stage;
  for (const name of ["identity.json", "private_key.sealed"]) {
    const file = `${membership}/identity/${name}`;
    const sound = Deno.readFileSync(file);
    const damaged = sound.slice();
    damaged[sound.length >> 1]! ^= 1;
    Deno.writeFileSync(file, damaged);
    const agent = await stage.spawnAgent();
    assert.notEqual(await agent.ends(), 0, agent.output);
    assert.match(agent.output, new RegExp(`${name}[^]*plexd join --force`));
    // It is for people to look at; nothing was done about it.
    assert.deepEqual(Deno.readFileSync(file), damaged);
    Deno.writeFileSync(file, sound);
  }
  await stage.startAgent();
  assert.match(await stage.read("/v1/state/report/own"), /kept/);
});

/** Opens the membership of an agent that is not running. */
async function stored(stage: Stage): Promise<Membership> {
  const random = systemRandom;
  const { keyFile, dataDir } = stage;
  return await openMembership({
    dataDir,
    cluster: "default",
    seal: await loadSealKey({ keyFile, create: false, random }),
    clock: systemClock,
    random,
    log: new MemoryLog(),
  });
}

/** A node with a peer, and the peer's id. The agent is stopped. */
async function withPeer(stage: Stage, other: Stage): Promise<string> {
  await withNode(stage);
  other.shareControlPlane(stage);
  await other.leaveToken();
  const { node_id } = await other.startAgent();
  await other.stopAgent();
  // Events told of it before; a state that was pulled since then is kept whole.
  await stage.stopAgent();
  await stage.startAgent();
  await stage.statusWhen(
    "a pull has come",
    ({ verified_at, started_at }) =>
      Date.parse(verified_at ?? "") >= Date.parse(started_at),
  );
  await stage.stopAgent();
  await stage.stopControlPlane();
  return node_id;
}

/** Starts the agent and stops it again: caches are looked after on both sides. */
async function oneRun(stage: Stage) {
  await stage.startAgent();
  await stage.stopAgent();
}

Deno.test("peer cache expiry works", async () => {
  await using stage = await Stage.open();
  await using other = await Stage.open();
  const peerId = await withPeer(stage, other);
  for (
    const [ageMs, isThere] of [[0, true], [25 * 3_600_000, false]] as const
  ) {
    {
      await using store = await stored(stage);
      const lastTriedMs = systemClock.now() - ageMs;
      const seen = { peerId, lastTriedMs, tries: "0", score: 0, failures: [] };
      store.peerCache.note(seen);
      await store.peerCache.flush();
    }
    await oneRun(stage);
    await using store = await stored(stage);
    assert.equal(store.peerCache.get(peerId) !== undefined, isThere);
  }
});

Deno.test("route cache expiry works", async () => {
  await using stage = await Stage.open();
  await using other = await Stage.open();
  const peerId = await withPeer(stage, other);
  const now = systemClock.now();
  {
    await using store = await stored(stage);
    assert.ok(
      store.routes.routes.some((one) => one.selected.peerId === peerId),
    );
    const expired = { ...store.routes.routes[0]!, expiresAtMs: now - 1 };
    const gone = { ...expired, destination: "203.0.113.1/32" };
    store.routes.replace([expired, gone]);
    await store.routes.flush();
  }
  await oneRun(stage);
  await using store = await stored(stage);
  const [only, ...more] = store.routes.routes;
  assert.equal(only?.selected.peerId, peerId);
  assert.ok(only.expiresAtMs > now);
  assert.deepEqual(more, []);
});

Deno.test("multi-cluster namespaces stay isolated", async () => {
  await using first = await Stage.open();
  await using second = await Stage.open();
  const { node_id } = await withNode(first, "of-the-first");
  second.shareControlPlane(first);
  await second.leaveToken();
  // Another membership in the same data folder, with sockets of its own.
  const env = {
    PLEXD_DATA_DIR: first.dataDir,
    PLEXD_CLUSTER: "second",
    PLEXD_SEAL_KEY_FILE: first.keyFile,
  };
  const other = await second.startAgent({ env });
  assert.equal(other.cluster, "second");
  assert.notEqual(other.node_id, node_id);
  assert.deepEqual(
    [...Deno.readDirSync(`${first.dataDir}/clusters`)].map(({ name }) => name)
      .sort(),
    ["default", "second"],
  );

  const put = await second.local("/v1/state/report/own", {
    method: "PUT",
    body: '{"content_type":"text/plain","payload":"of-the-second"}',
  });
  assert.equal(put.status, 200);
  assert.equal((await second.local("/v1/state/metadata/a")).status, 404);
  assert.equal((await first.local("/v1/state/report/own")).status, 404);
  assert.equal(await served(first), "of-the-first");
  await first.stopAgent();
  await second.stopAgent();

  // An identity that is carried over opens nothing there.
  const clusters = `${first.dataDir}/clusters`;
  const carried = filesBelow(`${clusters}/default/identity`);
  for (const [file, bytes] of carried) {
    Deno.writeFileSync(`${clusters}/second/identity/${file}`, bytes);
  }
  const thief = await second.spawnAgent({ env });
  assert.notEqual(await thief.ends(), 0, thief.output);
  assert.match(thief.output, /identity/);
});

Deno.test("service workload cannot mutate authoritative local state", async () => {
  await using stage = await Stage.open();
  const { node_id } = await withNode(stage, "x");
  const targets = [
    "/v1/state",
    "/v1/state/metadata/a",
    "/v1/state/data/b",
    "/v1/state/secrets/c",
    "/v1/state/services/d",
    "/v1/state/report/../metadata/a",
    "/v1/state/report/%2e%2e%2fmetadata%2ejson",
    "/v1/state/report/plexd.health",
    "/v1/trust/roots",
    "/v1/identity",
    "/v1/status",
    "/v1/events",
  ];
  for (const target of targets) {
    for (const method of ["PUT", "POST", "PATCH", "DELETE"]) {
      const body = '{"content_type":"a/b","payload":"y","value":"y"}';
      const { status } = await stage.local(target, { method, body });
      assert.ok([400, 404, 405].includes(status), `${method} ${target}`);
    }
  }
  assert.equal(await served(stage), "x");
  assert.equal((await stage.status()).node_id, node_id);
});

Deno.test("local store reports last applied config version", async () => {
  await using stage = await Stage.open();
  const { node_id, signed_state } = await withNode(stage, "x", "y");
  const { epoch, version } = signed_state.snapshot!;
  const told = await eventually(
    "the control plane is told",
    async () => {
      const node = await stage.admin.call("GET", `/nodes/${node_id}`);
      const { applied_snapshot } = node as {
        applied_snapshot: { epoch: number; version: number } | null;
      };
      return (applied_snapshot?.version ?? 0) >= version
        ? applied_snapshot
        : undefined;
    },
  );
  assert.equal(told?.epoch, epoch);
  // On the node, too, and without the control plane.
  await stage.stopControlPlane();
  await stage.killAgent();
  const { signed_state: kept, state } = await stage.startAgent();
  assert.equal(kept.snapshot?.version, told?.version);
  assert.equal(state.version, told?.version);
});

Deno.test("degraded-mode state is persisted and cleared correctly", async () => {
  await using stage = await Stage.open();
  await withNode(stage, "x");
  const reason = "control_plane_unreachable";
  const stored = () =>
    Deno.readTextFileSync(`${stage.membership}/health/health.json`);
  await stage.stopControlPlane();
  const before = await stage.statusWhen(
    "it is degraded",
    (status) => hasReason(status, reason),
  );
  await stage.stopAgent();
  assert.ok(stored().includes(reason));
  const after = await stage.startAgent();
  const since = ({ reasons }: StatusDocument) =>
    reasons.find((one) => one.reason === reason)?.since;
  assert.equal(since(after), since(before));
  await stage.startControlPlane();
  await stage.statusWhen(
    "it is well again",
    (status) => !hasReason(status, reason),
  );
  await stage.stopAgent();
  assert.ok(!stored().includes(reason));
});
