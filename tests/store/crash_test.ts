import assert from "node:assert/strict";
import type { Membership } from "../../src/store/membership.ts";
import type { StateChange, StateParts } from "../../src/store/state_view.ts";
import type { DataEntry } from "../../src/wire/data_entry.ts";
import { CrashDisk } from "./crash_disk.ts";
import { OBSERVED, ROUTE } from "./fill_caches.ts";
import { copyFolder, entry, inFolder, openStore, WEB } from "./open_store.ts";

/** More unsynced names than this are taken back only all together or singly. */
const MOST_COMBINED = 5;

/** A line that was being added when the power went: told, and no harm. */
const TORN = "a line is torn";

interface Story {
  readonly name: string;
  /** What is there before; the crash comes after it. */
  readonly before: (store: Membership) => Promise<unknown>;
  readonly change: (store: Membership) => Promise<unknown>;
  /** What a reader sees, as text. It must be that of before or of after. */
  readonly seen: (store: Membership) => Promise<string> | string;
  /** What may be seen besides, on the way. */
  readonly between?: string;
}

const large = "x".repeat(70_000);
const first: StateChange = {
  metadata: new Map([["zone", "a"]]),
  data: [entry("one"), entry("two"), entry("three")],
  secretRefs: [{ key: "password", version: 1 }],
  peers: [],
  policies: [{ id: "p", rules: '[ {"allow":1} ]' }],
  services: [WEB],
  position: { epoch: 1, version: 1 },
  complete: true,
};
const changes: Record<string, StateChange> = {
  "one entry": {
    data: [entry("one", "2", 2), entry("two"), entry("three")],
    position: { epoch: 1, version: 2 },
  },
  "metadata only": { metadata: new Map([["zone", "b"]]) },
  "a new, a changed and a removed entry, and metadata": {
    data: [entry("one", "2", 2), entry("three"), entry("four")],
    metadata: new Map(),
    position: { epoch: 1, version: 2 },
  },
  "everything at once": {
    data: [entry("five")],
    metadata: new Map([["__proto__", "x"]]),
    secretRefs: [],
    policies: [],
    services: [],
    peers: [{
      id: "n",
      publicKey: "k",
      meshIp: "10.0.0.1",
      endpoint: "",
      allowedIps: ["10.0.0.1/32"],
    }],
    position: { epoch: 2, version: 1 },
    complete: false,
  },
  "more than is left in the sums": {
    data: [entry("one", `"${large}"`), entry("six")],
    position: { epoch: 1, version: 2 },
  },
  "the position only": { position: { epoch: 1, version: 9 } },
};

function stateText(state: StateParts): string {
  return JSON.stringify([
    [...state.metadata],
    [...state.data],
    state.secretRefs,
    state.peers,
    state.policies,
    state.services,
    state.position,
    state.complete,
  ]);
}

function reportText(store: Membership): string {
  return JSON.stringify([...store.reports.view.entries]);
}

function put(store: Membership, key: string, payload: string) {
  return store.reports.put(key, { contentType: "a/b", payload });
}

const receipt = (at: number) => ({
  eventId: `e${at}`,
  type: "node_state_updated",
  nonce: `n${at}`,
  issuedAtMs: at,
  cursor: `c${at}`,
});

const ledgerText = (store: Membership) =>
  JSON.stringify([
    store.events.cursor,
    store.events.hasApplied("e1"),
    store.events.hasApplied("e2"),
    store.events.lastIssuedMs("node_state_updated"),
  ]);

const identity = {
  nodeId: "node-1",
  meshIp: "10.0.0.1",
  dialect: 1,
  controlPlane: "http://127.0.0.1:1",
  enrolledAt: "2026-03-01T12:00:00Z",
  publicKey: "public",
  privateKey: new Uint8Array(32).fill(1),
  nodeSecretKey: "secret",
  signingPublicKey: "signing",
} as const;

const keys = { current: "a", retired: [], signedChange: false };

const ended = {
  execution_id: "x-1",
  status: "success",
  exit_code: 0,
  stdout: "done",
  stderr: "",
  duration: "1s",
  finished_at: "2026-03-01T12:00:00Z",
} as const;

const nextPair = {
  publicKey: "next",
  privateKey: new Uint8Array(32).fill(3),
};

const stories: Story[] = [
  ...Object.entries(changes).map(([name, change]): Story => ({
    name: `an update of ${name}`,
    before: (store) => store.state.update(() => first),
    change: (store) => store.state.update(() => change),
    seen: (store) => stateText(store.state.view),
  })),
  {
    name: "the very first state",
    before: () => Promise.resolve(),
    change: (store) => store.state.update(() => first),
    seen: (store) => stateText(store.state.view),
  },
  {
    name: "a new report",
    before: (store) => put(store, "a", "1"),
    change: (store) => put(store, "b", "2"),
    seen: reportText,
  },
  {
    name: "a changed report",
    before: (store) => put(store, "a", "1"),
    change: (store) => put(store, "a", "2"),
    seen: reportText,
  },
  {
    name: "a deleted report",
    before: (store) => put(store, "a", "1"),
    change: (store) => store.reports.delete("a"),
    seen: reportText,
  },
  {
    name: "the first receipt",
    before: () => Promise.resolve(),
    change: (store) => store.events.record([receipt(1)]),
    seen: ledgerText,
  },
  {
    name: "a forgotten cursor",
    before: (store) => store.events.record([receipt(1)]),
    change: (store) => store.events.resetCursor(),
    seen: ledgerText,
  },
  {
    name: "synced reports",
    before: async (store) =>
      store.syncLedger.markSynced({
        entries: [await put(store, "a", "1")],
        deleted: [],
      }),
    change: (store) =>
      store.syncLedger.markSynced({ entries: [entry("b")], deleted: ["a"] }),
    seen: (store) =>
      JSON.stringify(store.syncLedger.pending(new Map<string, DataEntry>())),
  },
  {
    name: "what was observed of peers",
    before: () => Promise.resolve(),
    change: async (store) => {
      store.peerCache.note(OBSERVED);
      await store.peerCache.flush();
    },
    seen: (store) => String(store.peerCache.size),
  },
  {
    name: "routes",
    before: () => Promise.resolve(),
    change: async (store) => {
      store.routes.replace([ROUTE]);
      await store.routes.flush();
    },
    seen: (store) => String(store.routes.routes.length),
  },
  {
    name: "trusted keys",
    before: (store) => store.trust.save(keys),
    change: (store) =>
      store.trust.save({ ...keys, current: "b", previous: "a" }),
    seen: (store) => JSON.stringify(store.trust.load()),
  },
  {
    name: "a first identity",
    before: (store) =>
      store.identity.savePending({
        privateKey: identity.privateKey,
        publicKey: "p",
        nonceSeed: "s",
      }),
    change: (store) => store.identity.save(identity),
    seen: async (store) => JSON.stringify(await store.identity.load() ?? null),
  },
  {
    name: "another identity",
    before: (store) => store.identity.save(identity),
    change: (store) =>
      store.identity.save({
        ...identity,
        privateKey: new Uint8Array(32).fill(2),
        nodeSecretKey: "other",
      }),
    seen: async (store) => {
      const { privateKey, nodeSecretKey } = await store.identity.load() ?? {};
      return `${privateKey?.[0]} ${nodeSecretKey}`;
    },
    between: "undefined undefined",
  },
  {
    name: "a key that is to take over",
    before: (store) => store.identity.save(identity),
    change: (store) => store.keyRotation.prepare(nextPair),
    seen: async (store) =>
      `${(await store.keyRotation.pending())?.publicKey} ${await keyOf(store)}`,
  },
  {
    name: "a confirmed key",
    before: async (store) => {
      await store.identity.save(identity);
      await store.keyRotation.prepare(nextPair);
    },
    change: (store) =>
      new Promise((resolve) => resolve(store.keyRotation.confirm())),
    seen: async (store) =>
      `${(await store.keyRotation.pending())?.publicKey} ${await keyOf(store)}`,
  },
  {
    name: "an execution that begins",
    before: () => Promise.resolve(),
    change: (store) => store.executions.begin("x-1", "restart"),
    seen: executionText,
  },
  {
    name: "an execution that ends",
    before: (store) => store.executions.begin("x-1", "restart"),
    change: (store) => store.executions.finish(ended),
    seen: executionText,
  },
  {
    name: "an execution whose result is reported",
    before: async (store) => {
      await store.executions.begin("x-1", "restart");
      await store.executions.finish(ended);
    },
    change: (store) => store.executions.settle("x-1"),
    seen: executionText,
  },
];

function executionText({ executions }: Membership): string {
  const { running, unreported } = executions;
  return JSON.stringify([
    executions.has("x-1"),
    running,
    unreported,
    executions.result("x-1") ?? null,
  ]);
}

async function keyOf(store: Membership): Promise<string> {
  const { publicKey, privateKey } = await store.identity.load() ?? {};
  return `${publicKey} ${privateKey?.[0]}`;
}

for (const story of stories) {
  Deno.test(`${story.name} is there whole or not at all, wherever a crash or a power cut comes`, () =>
    inFolder(async (dir) => {
      const base = `${dir}/base`;
      const { store } = await openStore(base);
      await story.before(store);
      const old = await story.seen(store);
      await store.close();

      const { steps, next } = await uncrashed(story, base, `${dir}/whole`);
      assert.notEqual(next, old);
      const met = new Set<string>();
      // One past the end: everything was done, but perhaps not for good.
      for (let at = 1; at <= steps + 1; at++) {
        const folder = `${dir}/${at}`;
        const disk = await crashedAt(story, base, folder, at);
        const acknowledged = at > steps;
        for (const paths of lostNames(disk)) {
          const copy = `${folder}-after`;
          copyFolder(folder, copy);
          disk.undo(paths, folder, copy);
          const when = `step ${at} of ${steps}, lost: ${paths.join(" ")}`;
          const seen = await seenAfter(story, copy, when);
          const partly = seen === old || seen === story.between;
          assert.ok(seen === next || (partly && !acknowledged), when);
          met.add(seen);
          Deno.removeSync(copy, { recursive: true });
        }
      }
      const between = story.between === undefined ? [] : [story.between];
      assert.deepEqual(met, new Set([old, next, ...between]));
    }));
}

/** What is seen at the next start; it must not change with what comes then. */
async function seenAfter(story: Story, folder: string, when: string) {
  const { store, recovered } = await openStore(folder);
  const seen = await story.seen(store);
  await store.state.update(() => ({ position: { epoch: 99, version: 1 } }));
  const later = await story.seen(store);
  await store.close();
  const again = await openStore(folder);
  assert.equal(await story.seen(again.store), later, when);
  await again.store.close();
  const told = [...recovered, ...again.recovered].map(({ what }) => what);
  assert.deepEqual(told.filter((what) => what !== TORN), [], when);
  return seen;
}

async function uncrashed(story: Story, base: string, folder: string) {
  copyFolder(base, folder);
  const disk = new CrashDisk();
  const { store } = await openStore(folder, disk);
  const before = disk.steps.length;
  await story.change(store);
  const next = await story.seen(store);
  await store.close();
  return { steps: disk.steps.length - before, next };
}

async function crashedAt(
  story: Story,
  base: string,
  folder: string,
  at: number,
) {
  copyFolder(base, folder);
  const disk = new CrashDisk();
  const { store } = await openStore(folder, disk);
  disk.plan({ at, then: "end" });
  await story.change(store).catch(() => {});
  await store.close();
  return disk;
}

/** Which of the names that were never synced a power cut may take back. */
function lostNames(disk: CrashDisk): string[][] {
  const paths = [...new Set(disk.unsynced.map(({ path }) => path))];
  if (paths.length > MOST_COMBINED) {
    return [[], paths, ...paths.map((path) => [path])];
  }
  return Array.from(
    { length: 2 ** paths.length },
    (_, mask) => paths.filter((_, at) => mask & (1 << at)),
  );
}

Deno.test("put() of many at once loses nothing acknowledged, wherever a crash or a power cut comes", () =>
  inFolder(async (dir) => {
    const keys = ["a", "b", "c", "d"];
    for (let at = 1, done = false; !done; at++) {
      const folder = `${dir}/${at}`;
      const disk = new CrashDisk();
      const { store } = await openStore(folder, disk);
      await put(store, "a", "1");
      disk.plan({ at, then: "end" });
      const outcomes = await Promise.allSettled([
        ...keys.map((key) => put(store, key, "2")),
        put(store, "a", "3"),
      ]);
      await store.close();
      done = outcomes.every((it) => it.status === "fulfilled");
      for (const paths of lostNames(disk)) {
        const copy = `${folder}-after`;
        copyFolder(folder, copy);
        disk.undo(paths, folder, copy);
        const after = await openStore(copy);
        const { entries } = after.store.reports.view;
        const when = `step ${at}, lost: ${paths.join(" ")}`;
        assert.deepEqual(after.recovered, [], when);
        assert.ok(entries.has("a"), when);
        if (done) {
          assert.deepEqual([...entries.keys()], keys, when);
          assert.equal(entries.get("a")?.payload, "3", when);
        }
        await after.store.close();
        Deno.removeSync(copy, { recursive: true });
      }
    }
  }));
