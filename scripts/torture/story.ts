import { encodeBase64 } from "../../src/wire/base64.ts";
import type { Membership } from "../../src/store/membership.ts";
import type { StateChange } from "../../src/store/state_view.ts";
import { activateSnapshot, IDENTITY } from "../../tests/store/full_store.ts";
import { entry } from "../../tests/store/open_store.ts";
import { inOrder } from "./observe.ts";
import { Seeded } from "./seeded.ts";

/** Something that an agent does to its store, durable once it resolves. */
export interface Step {
  readonly name: string;
  readonly run: (store: Membership) => Promise<unknown>;
}

/**
 * What a node's first hours do to its store, beginning with an empty folder:
 * the first join, states, reports, events, a new key, snapshots, executions.
 * Each step can be done again after it has failed.
 */
export const FIRST_HOURS: readonly Step[] = [
  step("a key pair before registering", ({ identity }) =>
    identity.savePending({
      privateKey: new Uint8Array(32).fill(1),
      publicKey: "first",
      nonceSeed: "seed",
    })),
  step("the registration", ({ identity }) => identity.save(IDENTITY)),
  step("the spent token", ({ spentTokens }) => spentTokens.add("token")),
  step("the trusted keys", ({ trust }) => trust.save(keys("first"))),
  step("pinned roots", ({ trustBundle }) =>
    trustBundle.save({
      roots: [encodeBase64(new Uint8Array(32).fill(9))],
      revokedKeyIds: [],
      version: 0,
      signedText: "",
    })),
  step("the first state", (store) => store.state.update(() => STATES[0]!)),
  step("an event", (store) => store.events.record([receipt(1)])),
  step("the first snapshot", (store) => activateSnapshot(store, 1)),
  step("a report", (store) => put(store, "disk", "1")),
  step("another report", (store) => put(store, "net", "1")),
  step("a changed report", (store) => put(store, "disk", "2")),
  step("synced reports", syncAll),
  step("a deleted report", (store) => store.reports.delete("net")),
  step("the second state", (store) => store.state.update(() => STATES[1]!)),
  step("the second snapshot", (store) => activateSnapshot(store, 2)),
  step("another event", (store) => store.events.record([receipt(2)])),
  step("a key that is to take over", (store) =>
    store.keyRotation.prepare({
      publicKey: "second",
      privateKey: new Uint8Array(32).fill(2),
    })),
  step("the confirmed key", (store) => store.keyRotation.confirm()),
  step("an execution", (store) => store.executions.begin("run-1", "restart")),
  step("its result", (store) => store.executions.finish(result("run-1"))),
  step("its result is taken", (store) => store.executions.settle("run-1")),
  step(
    "the health",
    ({ health }) => health.save({ reasons: [], contact: { lastPullMs: 1 } }),
  ),
  step(
    "a session",
    ({ sessions }) => sessions.note({ sessionId: "session-1", target: "db" }),
  ),
  step("rotated signing keys", ({ trust }) => trust.save(keys("second"))),
  step("the last state", (store) => store.state.update(() => STATES[2]!)),
  step("a large report", (store) => put(store, "large", "x".repeat(70_000))),
  step("the third snapshot", (store) => activateSnapshot(store, 3)),
  step("the fourth snapshot", (store) => activateSnapshot(store, 4)),
  step("a forgotten cursor", (store) => store.events.resetCursor()),
];

/** As many steps as asked for, in an order of chance. */
export function randomStory(random: Seeded, length: number): Step[] {
  let version = 0;
  const makers: ((number: number) => Step)[] = [
    (n) => step(`report ${n}`, (store) => put(store, reportKey(n), `${n}`)),
    (n) =>
      step(`report ${n} gone`, (store) => store.reports.delete(reportKey(n))),
    (n) => {
      const change = randomChange(random, n);
      return step(`state ${n}`, (store) => store.state.update(() => change));
    },
    (n) => step(`event ${n}`, (store) => store.events.record([receipt(n)])),
    (n) => step(`keys ${n}`, ({ trust }) => trust.save(keys(`key-${n}`))),
    () => {
      const next = ++version;
      return step(`snapshot ${next}`, (store) => activateSnapshot(store, next));
    },
    (n) =>
      step(`execution ${n}`, async (store) => {
        await store.executions.begin(`run-${n}`, "restart");
      }),
    (n) =>
      step(`a result, ${n}`, async (store) => {
        const [running] = inOrder(store.executions.running);
        if (running) await store.executions.finish(result(running.executionId));
      }),
    (n) =>
      step(`a settled result, ${n}`, async (store) => {
        const [done] = inOrder(store.executions.unreported);
        if (done) await store.executions.settle(done.executionId);
      }),
    (n) =>
      step(`identity ${n}`, ({ identity }) =>
        identity.save({
          ...IDENTITY,
          publicKey: `identity-${n}`,
          privateKey: new Uint8Array(32).fill(n),
        })),
    (n) =>
      step(`key ${n}`, async (store) => {
        if (!await store.identity.load()) return;
        await store.keyRotation.prepare({
          publicKey: `rotated-${n}`,
          privateKey: new Uint8Array(32).fill(n),
        });
      }),
    (n) =>
      step(`a confirmed key, ${n}`, (store) => store.keyRotation.confirm()),
    (n) => step(`synced reports, ${n}`, syncAll),
    (n) =>
      step(
        `health ${n}`,
        ({ health }) =>
          health.save({ reasons: [], contact: { lastPullMs: n } }),
      ),
    (n) =>
      step(
        `session ${n}`,
        ({ sessions }) =>
          sessions.note({ sessionId: `session-${n % 3}`, target: `${n}` }),
      ),
  ];
  return Array.from(
    { length },
    (_, at) => random.pick(makers)(at + 1),
  );
}

/** Story 0 is that of the first hours, every other one is of chance. */
export function storyOf(number: number): readonly Step[] {
  return number === 0 ? FIRST_HOURS : randomStory(new Seeded(number), 16);
}

function step(name: string, run: (store: Membership) => unknown): Step {
  return { name, run: async (store) => await run(store) };
}

const STATES: readonly StateChange[] = [
  {
    metadata: new Map([["zone", "a"]]),
    data: [entry("one"), entry("two"), entry("three")],
    secretRefs: [{ key: "password", version: 1 }],
    peers: [],
    policies: [{ id: "p", rules: '[ {"allow":1} ]' }],
    position: { epoch: 1, version: 1 },
    complete: true,
  },
  {
    data: [entry("one", "2", 2), entry("three"), entry("four")],
    metadata: new Map(),
    position: { epoch: 1, version: 2 },
  },
  {
    data: [entry("one", `"${"x".repeat(70_000)}"`, 3), entry("five")],
    metadata: new Map([["__proto__", "x"]]),
    policies: [],
    secretRefs: [],
    position: { epoch: 2, version: 1 },
  },
];

/** Some of a state, or all of it. */
function randomChange(random: Seeded, version: number): StateChange {
  const some = ["one", "two", "three", "four", "five", "six"]
    .filter(() => random.unit() < 0.5);
  const text = random.unit() < 0.1 ? "x".repeat(70_000) : `${version}`;
  return {
    ...(random.unit() < 0.7
      ? { data: some.map((key) => entry(key, `"${text}"`, version)) }
      : {}),
    ...(random.unit() < 0.4
      ? { metadata: new Map(some.map((key) => [key, text])) }
      : {}),
    ...(random.unit() < 0.2
      ? { secretRefs: some.map((key) => ({ key, version })) }
      : {}),
    ...(random.unit() < 0.2
      ? { policies: some.map((id) => ({ id, rules: `[${version}]` })) }
      : {}),
    position: { epoch: 1, version },
    complete: random.unit() < 0.5,
  };
}

function put(store: Membership, key: string, payload: string) {
  return store.reports.put(key, { contentType: "a/b", payload });
}

function reportKey(number: number): string {
  return ["disk", "net", "cpu"][number % 3]!;
}

function syncAll({ syncLedger, reports }: Membership): Promise<void> {
  return syncLedger.markSynced(syncLedger.pending(reports.view.entries));
}

function keys(current: string) {
  return { current, retired: ["retired"], signedChange: true };
}

function receipt(at: number) {
  return {
    eventId: `event-${at}`,
    type: "node_state_updated",
    nonce: `nonce-${at}`,
    issuedAtMs: Date.parse("2026-03-01T11:59:00Z") + at,
    cursor: `cursor-${at}`,
  };
}

function result(executionId: string) {
  return {
    execution_id: executionId,
    status: "success",
    exit_code: 0,
    stdout: "done",
    stderr: "",
    duration: "1s",
    finished_at: "2026-03-01T12:00:00Z",
  } as const;
}
