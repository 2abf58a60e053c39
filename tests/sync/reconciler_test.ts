import assert from "node:assert/strict";
import type { StateChange } from "../../src/store/state_view.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { RefusedStateError } from "../../src/sync/pulled_state.ts";
import { Reconciler } from "../../src/sync/reconciler.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import type { DriftReport } from "../../src/wire/bodies.ts";
import type { DataEntry } from "../../src/wire/data_entry.ts";
import type { SigningKeys } from "../../src/wire/signing_keys.ts";
import type { DesiredState } from "../../src/wire/state.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { failureFrom } from "../uplink/serve.ts";
import { MemoryState } from "./memory_state.ts";

const NODE = "n_1";
const never = new AbortController().signal;

/** Answers states as the test tells it, and remembers what was reported. */
class FakeControl {
  readonly drifts: DriftReport[] = [];
  readonly failures: Error[] = [];
  readonly driftFailures: Error[] = [];
  /** Nobody answers what is told of drift. */
  isDeaf = false;
  fetches = 0;
  answer: DesiredState = stateOf({});
  /** Runs between the question and the answer. */
  meanwhile: (() => Promise<void>) | undefined;
  #held: PromiseWithResolvers<void> | undefined;

  hold(): () => void {
    const held = this.#held = Promise.withResolvers<void>();
    return () => {
      this.#held = undefined;
      held.resolve();
    };
  }

  async fetchState(): Promise<DesiredState> {
    this.fetches++;
    const { answer } = this;
    await this.#held?.promise;
    await this.meanwhile?.();
    const failure = this.failures.shift();
    if (failure) throw failure;
    return answer;
  }

  reportDrift(report: DriftReport, signal: AbortSignal): Promise<void> {
    if (this.isDeaf) {
      return new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    }
    const failure = this.driftFailures.shift();
    if (failure) return Promise.reject(failure);
    this.drifts.push(report);
    return Promise.resolve();
  }
}

class FakeKeys {
  present: SigningKeys = { current: "key-a" };
  accepts = true;
  readonly taken: SigningKeys[] = [];

  take(keys: SigningKeys): Promise<boolean> {
    this.taken.push(keys);
    const changes = this.accepts && keys.current !== this.present.current;
    if (changes) this.present = keys;
    return Promise.resolve(changes);
  }
}

function stateOf(parts: Partial<DesiredState>): DesiredState {
  return {
    metadata: new Map(),
    data: [],
    secretRefs: [],
    peers: [],
    policies: [],
    ...parts,
  };
}

function withMetadata(value: string, more: Partial<DesiredState> = {}) {
  return stateOf({ metadata: new Map([["a", value]]), ...more });
}

function at(version: number, epoch = 5) {
  return { position: { epoch, version } };
}

function entryOf(payload: string): DataEntry {
  return {
    key: "d",
    contentType: "application/json",
    payload,
    version: 1,
    updatedAt: "2026-03-01T12:00:00Z",
  };
}

function setUp(stored: StateChange = {}) {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const uplink = new FakeControl();
  const state = new MemoryState(stored);
  const keys = new FakeKeys();
  const outcomes: unknown[] = [];
  const reconciler = new Reconciler({
    uplink,
    state,
    keys,
    nodeId: NODE,
    onPull: (failure) => outcomes.push(failure),
    io: { clock, random: new FakeRandom(), log },
  });
  return { reconciler, uplink, state, keys, clock, log, outcomes };
}

/** Runs the part while `work` does its own, then stops it. */
async function whileRunning(
  reconciler: Reconciler,
  work: () => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const done = reconciler.run(stop.signal);
  try {
    await work();
  } finally {
    stop.abort();
    await done;
  }
}

Deno.test("pullNow() applies what is desired and reports what differed", async () => {
  const { reconciler, uplink, state, outcomes, clock } = setUp();
  uplink.answer = withMetadata("1", at(3));
  await reconciler.pullNow(never);
  assert.equal(state.view.metadata.get("a"), "1");
  assert.deepEqual(state.view.position, { epoch: 5, version: 3 });
  assert.equal(state.view.complete, true);
  assert.deepEqual(uplink.drifts, [{
    timestamp: "2026-03-01T12:00:00.000Z",
    corrections: [{ type: "metadata_updated", detail: "metadata updated" }],
  }]);
  assert.deepEqual(outcomes, [undefined]);
  assert.deepEqual(reconciler.status, { lastSuccessMs: clock.now() });
  clock.jump(-3_600_000);
  await clock.advance(5_000);
  assert.equal(reconciler.sinceSuccessMs, 5_000, "whatever the wall shows");
});

Deno.test("pullNow() reports no drift when nothing differs", async () => {
  const { reconciler, uplink, state } = setUp({
    metadata: new Map([["a", "1"]]),
    complete: true,
  });
  uplink.answer = withMetadata("1");
  await reconciler.pullNow(never);
  assert.deepEqual(uplink.drifts, []);
  assert.equal(state.view.metadata.get("a"), "1");
});

Deno.test("pullNow() compares with what is on disk, so deletions while the agent was down arrive", async () => {
  const { reconciler, uplink, state } = setUp({
    metadata: new Map([["gone", "x"]]),
    secretRefs: [{ key: "gone", version: 1 }],
    complete: true,
  });
  await reconciler.pullNow(never);
  assert.equal(state.view.metadata.size, 0);
  assert.deepEqual(state.view.secretRefs, []);
  assert.deepEqual(uplink.drifts[0]?.corrections.map(({ type }) => type), [
    "metadata_updated",
    "secret_refs_updated",
  ]);
});

Deno.test("a drift report that fails is logged, and the pull counts all the same", async () => {
  const { reconciler, uplink, outcomes, log } = setUp();
  uplink.answer = withMetadata("1");
  uplink.driftFailures.push(new ControlError("server", "Status 500"));
  await reconciler.pullNow(never);
  assert.deepEqual(outcomes, [undefined]);
  assert.deepEqual(
    log.lines.filter(({ level }) => level === "warn").map((l) => l.message),
    ["Drift report failed"],
  );
});

Deno.test("a control plane that is deaf to drift holds no pull up, nor the stop", async () => {
  const { reconciler, uplink, state, outcomes, clock } = setUp();
  uplink.isDeaf = true;
  const stop = new AbortController();
  const done = reconciler.run(stop.signal);
  for (const text of ["1", "2", "3"]) {
    uplink.answer = withMetadata(text);
    await clock.advance(60_000);
    assert.equal([...state.view.metadata.values()][0], text);
  }
  assert.deepEqual(outcomes.filter((one) => one !== undefined), []);
  stop.abort();
  await done;
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("pullNow() that fails changes nothing, shows why and keeps the last success", async () => {
  const { reconciler, uplink, state, outcomes, clock } = setUp();
  await reconciler.pullNow(never);
  const lastSuccessMs = clock.now();
  await clock.advance(5_000);
  const noted = { correlationId: "c-1" };
  const failure = new ControlError("server", "Status 503", noted);
  uplink.failures.push(failure);
  uplink.answer = withMetadata("1");
  assert.equal(await failureFrom(reconciler.pullNow(never)), failure);
  assert.equal(state.view.metadata.size, 0);
  assert.deepEqual(outcomes, [undefined, failure]);
  assert.deepEqual(reconciler.status, {
    lastSuccessMs,
    lastError: "Status 503 [correlation id c-1]",
  });
});

Deno.test("pullNow() that cannot be stored fails and reports no drift", async () => {
  const { reconciler, uplink, state } = setUp();
  uplink.answer = withMetadata("1");
  state.failures = 1;
  const failure = await failureFrom(reconciler.pullNow(never));
  assert.ok(failure instanceof StoreWriteError);
  assert.deepEqual(uplink.drifts, []);
});

Deno.test("whoever asks while a pull is under way shares the next one", async () => {
  const { reconciler, uplink } = setUp();
  uplink.answer = withMetadata("old");
  const release = uplink.hold();
  const first = reconciler.pullNow(never);
  // The first has asked already: what is true from here on it cannot know.
  uplink.answer = withMetadata("new");
  const others = [reconciler.pullNow(never), reconciler.pullNow(never)];
  release();
  await Promise.all([first, ...others]);
  assert.equal(uplink.fetches, 2);
  assert.equal(reconciler.status.lastError, undefined);
  await reconciler.pullNow(never);
  assert.equal(uplink.fetches, 3);
});

Deno.test("who gives a shared pull up takes it from nobody else", async () => {
  const { reconciler, uplink } = setUp();
  const release = uplink.hold();
  const first = reconciler.pullNow(never);
  const impatient = new AbortController();
  const gone = reconciler.pullNow(impatient.signal);
  const other = reconciler.pullNow(never);
  impatient.abort(new Error("it takes too long"));
  await assert.rejects(gone, { message: "it takes too long" });
  release();
  await Promise.all([first, other]);
  assert.equal(uplink.fetches, 2);
});

Deno.test("a pull that all have given up is not shared", async () => {
  const { reconciler, uplink } = setUp();
  const release = uplink.hold();
  const first = reconciler.pullNow(never);
  const impatient = new AbortController();
  const gone = reconciler.pullNow(impatient.signal);
  impatient.abort(new Error("it takes too long"));
  const other = reconciler.pullNow(never);
  release();
  await Promise.all([first, other, assert.rejects(gone)]);
  assert.equal(uplink.fetches, 2);
});

Deno.test("the part ends with the pull that is under way, whoever wants it", async () => {
  const { reconciler, uplink, clock } = setUp();
  let hasEnded = false;
  const stop = new AbortController();
  const done = reconciler.run(stop.signal).then(() => hasEnded = true);
  await clock.advance(0);
  const release = uplink.hold();
  const asked = reconciler.pullNow(never);
  stop.abort(new Error("it ends"));
  await clock.advance(0);
  assert.equal(hasEnded, false);
  release();
  await Promise.allSettled([asked, done]);
  assert.equal(hasEnded, true);
});

Deno.test("what a pull was for that was given up is asked for again", async () => {
  const { reconciler, uplink, clock } = setUp();
  const impatient = new AbortController();
  let hasFailed = false;
  await whileRunning(reconciler, async () => {
    const release = uplink.hold();
    await clock.advance(0);
    reconciler.trigger("something was missed");
    const cut = reconciler.pullNow(impatient.signal);
    uplink.meanwhile = () => {
      // Of the second one: the first was asked for by the part itself.
      if (uplink.fetches < 2 || hasFailed) return Promise.resolve();
      hasFailed = true;
      impatient.abort(new Error("it takes too long"));
      return Promise.reject(impatient.signal.reason);
    };
    release();
    await assert.rejects(cut, { message: "it takes too long" });
    assert.equal(uplink.fetches, 2);
    await clock.advance(1_000);
    assert.equal(uplink.fetches, 3);
  });
});

Deno.test("a pull that waits for another runs though that one fails", async () => {
  const { reconciler, uplink } = setUp();
  uplink.failures.push(new ControlError("unreachable", "no route"));
  const first = reconciler.pullNow(never);
  const second = reconciler.pullNow(never);
  await assert.rejects(first, ControlError);
  await second;
  assert.equal(uplink.fetches, 2);
});

const refusals: {
  what: string;
  stored: StateChange;
  answer: DesiredState;
  kind: string;
}[] = [
  {
    what: "for another node",
    stored: {},
    answer: withMetadata("1", { nodeId: "n_2" }),
    kind: "foreign",
  },
  {
    what: "of a lower version than the stored one",
    stored: at(7),
    answer: withMetadata("1", at(6)),
    kind: "rolled_back",
  },
  {
    what: "of an earlier epoch",
    stored: at(7),
    answer: withMetadata("1", at(99, 4)),
    kind: "rolled_back",
  },
  {
    what: "that has lost its version",
    stored: at(7),
    answer: withMetadata("1"),
    kind: "rolled_back",
  },
  ...[
    withMetadata("1", at(7)),
    stateOf({ ...at(7), data: [entryOf("{}")] }),
    stateOf({ ...at(7), secretRefs: [{ key: "s", version: 1 }] }),
  ].map((answer) => ({
    what: `of the stored version, but with ${
      answer.metadata.size > 0
        ? "other metadata"
        : answer.data.length > 0
        ? "other data"
        : "other secrets"
    }`,
    stored: { ...at(7), complete: true },
    answer,
    kind: "equivocation",
  })),
];

for (const { what, stored, answer, kind } of refusals) {
  Deno.test(`a pulled state ${what} is refused, its keys too, and that is shown`, async () => {
    const { reconciler, uplink, state, keys, outcomes } = setUp(stored);
    uplink.answer = { ...answer, signingKeys: { current: "key-b" } };
    const failure = await failureFrom(reconciler.pullNow(never));
    assert.ok(failure instanceof RefusedStateError);
    assert.equal(failure.kind, kind);
    assert.equal(state.view.revision, 0);
    assert.deepEqual(keys.taken, []);
    assert.deepEqual(outcomes, [failure]);
    assert.match(reconciler.status.lastError ?? "", /^State refused/);
  });
}

Deno.test("a pulled state of the stored version repairs what a gap has left", async () => {
  const { reconciler, uplink, state } = setUp({ ...at(7), complete: false });
  uplink.answer = withMetadata("1", at(7));
  await reconciler.pullNow(never);
  assert.equal(state.view.metadata.get("a"), "1");
  assert.equal(state.view.complete, true);
});

Deno.test("peers and policies may change under one version", async () => {
  const { reconciler, uplink, state } = setUp({ ...at(7), complete: true });
  const policies = [{ id: "p", rules: "[]" }];
  uplink.answer = stateOf({ ...at(7), policies });
  await reconciler.pullNow(never);
  assert.equal(state.view.policies.length, 1);
});

Deno.test("a state that was pulled is the one that its version names", async () => {
  const { reconciler, uplink, state, outcomes } = setUp();
  uplink.answer = stateOf({ ...at(7), data: [entryOf('{"b":1,"a":2}')] });
  await reconciler.pullNow(never);
  await reconciler.pullNow(never);
  uplink.answer = stateOf({ ...at(7), data: [entryOf('{"a":2,"b":1}')] });
  const failure = await failureFrom(reconciler.pullNow(never));
  assert.deepEqual(outcomes, [undefined, undefined, failure]);
  assert.equal(state.view.data.get("d")?.payload, '{"b":1,"a":2}');
  uplink.answer = stateOf({ ...at(8), data: [entryOf('{"a":2,"b":1}')] });
  await reconciler.pullNow(never);
});

Deno.test("a later epoch is accepted from a pull", async () => {
  const { reconciler, uplink, state } = setUp(at(7));
  uplink.answer = withMetadata("1", at(1, 6));
  await reconciler.pullNow(never);
  assert.deepEqual(state.view.position, { epoch: 6, version: 1 });
});

for (const numbers of [true, false]) {
  const kind = numbers ? "a numbered" : "an unnumbered";
  Deno.test(`${kind} state that an event has overtaken is fetched again`, async () => {
    const { reconciler, uplink, state } = setUp(numbers ? at(1) : {});
    uplink.answer = withMetadata("stale", numbers ? at(1) : {});
    uplink.meanwhile = async () => {
      uplink.meanwhile = undefined;
      await state.update(() => ({
        metadata: new Map([["a", "event"]]),
        ...(numbers ? at(2) : {}),
      }));
      uplink.answer = withMetadata("event", numbers ? at(2) : {});
    };
    await reconciler.pullNow(never);
    assert.equal(uplink.fetches, 2);
    assert.equal(state.view.metadata.get("a"), "event");
  });

  Deno.test(`${kind} state never undoes events that come faster than answers`, async () => {
    const { reconciler, uplink, state } = setUp(numbers ? at(1) : {});
    uplink.answer = withMetadata("stale", {
      ...(numbers ? at(1) : {}),
      secretRefs: [{ key: "s", version: 1 }],
    });
    let events = 1;
    uplink.meanwhile = async () => {
      events++;
      if (numbers) uplink.answer = { ...uplink.answer, ...at(events) };
      await state.update(() => ({
        metadata: new Map([["a", `event ${events}`]]),
        ...(numbers ? at(events) : {}),
      }));
    };
    await reconciler.pullNow(never);
    assert.equal(uplink.fetches, 3);
    assert.equal(state.view.metadata.get("a"), `event ${events}`);
    assert.deepEqual(
      state.view.position,
      numbers ? at(events).position : undefined,
    );
    // What no event has touched is taken from the answer.
    assert.deepEqual(state.view.secretRefs.map(({ key }) => key), ["s"]);
  });
}

Deno.test("a pull that events have overtaken to the end is followed by another", async () => {
  const { reconciler, uplink, state, clock } = setUp();
  let events = 0;
  uplink.meanwhile = async () => {
    if (++events > 3) return;
    await state.update(() => ({ metadata: new Map([["a", `e${events}`]]) }));
  };
  uplink.answer = withMetadata("pulled");
  await whileRunning(reconciler, async () => {
    await settle();
    assert.equal(state.view.metadata.get("a"), "e3");
    await clock.advance(1_000);
    assert.equal(state.view.metadata.get("a"), "pulled");
  });
});

Deno.test("keys that a pull brings are taken and reported as drift", async () => {
  const { reconciler, uplink, keys } = setUp();
  uplink.answer = stateOf({ signingKeys: { current: "key-b" } });
  await reconciler.pullNow(never);
  assert.equal(keys.present.current, "key-b");
  assert.deepEqual(uplink.drifts[0]?.corrections, [
    { type: "signing_keys_updated", detail: "signing keys rotated" },
  ]);
});

Deno.test("keys that are not taken are no drift", async () => {
  const { reconciler, uplink, keys } = setUp();
  keys.accepts = false;
  uplink.answer = stateOf({ signingKeys: { current: "key-b" } });
  await reconciler.pullNow(never);
  assert.equal(keys.taken.length, 1);
  assert.deepEqual(uplink.drifts, []);
});

Deno.test("run() pulls at the start and then at each interval", async () => {
  const { reconciler, uplink, clock } = setUp();
  await whileRunning(reconciler, async () => {
    await settle();
    assert.equal(uplink.fetches, 1);
    assert.equal(reconciler.status.nextMs, clock.elapsed() + 60_000);
    await clock.advance(59_999);
    assert.equal(uplink.fetches, 1);
    await clock.advance(1);
    assert.equal(uplink.fetches, 2);
  });
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("run() tells when its next pull is due as long as it waits for it", async () => {
  const { reconciler, clock, uplink } = setUp();
  await whileRunning(reconciler, async () => {
    await clock.advance(0);
    const planned = reconciler.status.nextMs;
    assert.ok(planned !== undefined);
    await clock.advance(20_000);
    // Somebody asks for one in between.
    await reconciler.pullNow(never);
    assert.equal(reconciler.status.nextMs, planned);

    const release = uplink.hold();
    reconciler.trigger("event");
    await clock.advance(1_000);
    assert.equal(reconciler.status.nextMs, undefined, "it is under way");
    uplink.failures.push(new Error("busy"));
    reconciler.trigger("another event");
    release();
    await settle();
    assert.equal(reconciler.status.lastError, "busy");
    assert.equal(reconciler.status.nextMs, undefined, "the next comes at once");
    await clock.advance(1_000);
    assert.equal(reconciler.status.nextMs, clock.elapsed() + 60_000);
  });
});

Deno.test("run() pulls soon after a trigger, one pull for all, a second apart", async () => {
  const { reconciler, uplink, clock } = setUp();
  await whileRunning(reconciler, async () => {
    await settle();
    for (let n = 0; n < 50; n++) reconciler.trigger(`event ${n}`);
    await clock.advance(999);
    assert.equal(uplink.fetches, 1);
    await clock.advance(1);
    assert.equal(uplink.fetches, 2);
    await clock.advance(10_000);
    assert.equal(uplink.fetches, 2);
    reconciler.trigger("later");
    await settle();
    assert.equal(uplink.fetches, 3);
  });
});

Deno.test("a pull is owed from its trigger until one that began after it succeeds", async () => {
  const { reconciler, uplink } = setUp();
  assert.equal(reconciler.isOwed, false);
  reconciler.trigger("event");
  uplink.failures.push(new ControlError("server", "Status 500"));
  await failureFrom(reconciler.pullNow(never));
  assert.equal(reconciler.isOwed, true);
  uplink.meanwhile = () => Promise.resolve(reconciler.trigger("another event"));
  await reconciler.pullNow(never);
  assert.equal(reconciler.isOwed, true);
  uplink.meanwhile = undefined;
  await reconciler.pullNow(never);
  assert.equal(reconciler.isOwed, false);
});

Deno.test("run() pulls again for a trigger that comes during a pull", async () => {
  const { reconciler, uplink, clock } = setUp();
  const release = uplink.hold();
  await whileRunning(reconciler, async () => {
    await settle();
    reconciler.trigger("event");
    release();
    await clock.advance(1_000);
    assert.equal(uplink.fetches, 2);
  });
});

Deno.test("run() goes on after pulls that fail", async () => {
  const { reconciler, uplink, clock, state } = setUp();
  uplink.failures.push(new ControlError("unreachable", "No way"));
  uplink.answer = withMetadata("1");
  await whileRunning(reconciler, async () => {
    await clock.advance(60_000);
    assert.equal(state.view.metadata.get("a"), "1");
  });
});

Deno.test("run() ends quietly when it is stopped during a pull", async () => {
  const { reconciler, uplink, log } = setUp();
  const stop = new AbortController();
  const done = reconciler.run(stop.signal);
  const release = uplink.hold();
  await settle();
  stop.abort();
  uplink.failures.push(new DOMException("stopped", "AbortError"));
  release();
  await done;
  assert.deepEqual(log.lines.filter(({ level }) => level !== "debug"), []);
});

Deno.test("Reconciler refuses an interval under a second", () => {
  const { uplink, state, keys, clock, log } = setUp();
  const io = { clock, random: new FakeRandom(), log };
  for (const intervalMs of [999, NaN]) {
    assert.throws(
      () =>
        new Reconciler({ uplink, state, keys, nodeId: NODE, intervalMs, io }),
      RangeError,
    );
  }
});
