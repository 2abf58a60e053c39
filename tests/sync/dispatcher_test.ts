import assert from "node:assert/strict";
import type { Receipt } from "../../src/store/receipt_log.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { Dispatcher, type DispatchReader } from "../../src/sync/dispatcher.ts";
import type { Effect, Handler } from "../../src/sync/handler.ts";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import { RejectedEventError } from "../../src/trust/rejected_event_error.ts";
import { Keyring } from "../../src/trust/keyring.ts";
import { ReplayWindow } from "../../src/trust/replay_window.ts";
import { eventReader } from "../../src/trust/event_reader.ts";
import type { Delivery } from "../../src/uplink/message_sink.ts";
import type { Envelope, VerifiedEvent } from "../../src/wire/envelope.ts";
import { pullHandler } from "../../src/sync/pull_handler.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { publicKeyOf, signedEvent } from "../trust/signers.ts";
import { failureFrom } from "../uplink/serve.ts";

/** A ledger that keeps the calls it got; `failures` many of them fail. */
class MemoryLedger {
  readonly calls: (readonly Receipt[])[] = [];
  readonly applied = new Set<string>();
  failures = 0;

  hasApplied(eventId: string): boolean {
    return this.applied.has(eventId);
  }

  carrierOf(eventId: string): "sse" | "nats" | undefined {
    const receipts = this.calls.flat();
    const receipt = receipts.find((one) => one.eventId === eventId);
    return receipt && (receipt.carrier ?? "sse");
  }

  record(receipts: readonly Receipt[]): Promise<void> {
    if (this.failures > 0) {
      this.failures--;
      const cause = new Error("disk full");
      return Promise.reject(new StoreWriteError("receipts", cause));
    }
    this.calls.push(receipts);
    for (const { eventId } of receipts) this.applied.add(eventId);
    return Promise.resolve();
  }

  cursors(): (string | undefined)[] {
    return this.calls.flat().map((receipt) => receipt.cursor);
  }
}

/** A handler whose effects become durable when the test says so. */
class SteeredHandler implements Handler {
  readonly seen: string[] = [];
  readonly #effects = new Map<string, PromiseWithResolvers<Effect>>();

  handle(event: VerifiedEvent): Promise<Effect> {
    this.seen.push(event.id);
    const effect = Promise.withResolvers<Effect>();
    this.#effects.set(event.id, effect);
    return effect.promise;
  }

  finish(id: string, effect: Effect = "applied"): void {
    this.#effects.get(id)?.resolve(effect);
  }

  fail(id: string, error: unknown): void {
    this.#effects.get(id)?.reject(error);
  }
}

const TYPE = "node_state_updated";
const diskFull = () => new StoreWriteError("state", new Error("disk full"));

function setUp(
  handlers: readonly Handler[],
  options: {
    maxInFlight?: number;
    others?: Record<string, Handler>;
    isPullOwed?: () => boolean;
    onNotStored?: (error: unknown) => void;
    reader?: DispatchReader;
  } = {},
) {
  const { others = {}, ...rest } = options;
  const clock = new FakeClock();
  const log = new MemoryLog();
  const ledger = new MemoryLedger();
  const pulls: string[] = [];
  const keyring = new Keyring({
    current: publicKeyOf("A"),
    retired: [],
    signedChange: false,
  });
  const reader = eventReader(1, {
    keyring,
    replayWindow: new ReplayWindow(),
    clock,
  });
  const dispatcher = new Dispatcher({
    reader,
    ledger,
    handlers: new Map([
      [TYPE, handlers],
      ...Object.entries(others).map(([type, handler]) =>
        [type, [handler]] as const
      ),
    ]),
    pull: (reason) => pulls.push(reason),
    clock,
    log,
    ...rest,
  });
  return { dispatcher, clock, log, ledger, pulls, keyring };
}

/** Message number `n`: event `e<n>` with nonce `n<n>` under cursor `<n>`. */
function message(n: number, fields: Partial<Envelope> = {}) {
  return wrap(
    String(n),
    signedEvent({ id: `e${n}`, nonce: `n${n}`, ...fields }),
  );
}

function wrap(id: string, event: Envelope) {
  const data = JSON.stringify({
    event_type: event.type,
    event_id: event.id,
    issued_at: event.issuedAt,
    nonce: event.nonce,
    payload: JSON.parse(event.payload),
    signature: event.signature,
  });
  return { id, event: event.type, data };
}

/** Throws or does nothing, as told, for every event. */
function handlerOf(act: (event: VerifiedEvent) => void): Handler {
  return {
    handle(event) {
      try {
        act(event);
        return Promise.resolve("applied");
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
}

Deno.test("accept() takes an id once, though another event of it is still on its way to disk", async () => {
  const handler = new SteeredHandler();
  const { dispatcher, ledger } = setUp([handler]);
  await dispatcher.accept(message(1));
  await dispatcher.accept(message(2, { id: "e1", payload: '{"data":[]}' }));
  await dispatcher.accept(message(3));
  handler.finish("e1");
  handler.finish("e3");
  await dispatcher.drain();
  assert.deepEqual(handler.seen, ["e1", "e3"]);
  assert.deepEqual(ledger.cursors(), ["1", "2", "3"]);
  assert.equal(dispatcher.status.applied, 2);
  assert.equal(dispatcher.status.repeated, 1);
});

Deno.test("accept() takes an id again whose effect could not be stored", async () => {
  const handler = new SteeredHandler();
  const { dispatcher } = setUp([handler]);
  await dispatcher.accept(message(1));
  await dispatcher.accept(message(2, { id: "e1" }));
  handler.fail("e1", diskFull());
  assert.ok(await failureFrom(dispatcher.drain()) instanceof StoreWriteError);
  await dispatcher.accept(message(1));
  handler.finish("e1");
  await dispatcher.drain();
  assert.deepEqual(handler.seen, ["e1", "e1"]);
  assert.equal(dispatcher.status.applied, 1);
});

Deno.test("accept() starts effects in the order of the stream and does not wait for them", async () => {
  const handler = new SteeredHandler();
  const { dispatcher, ledger } = setUp([handler]);
  for (const n of [1, 2, 3]) await dispatcher.accept(message(n));
  assert.deepEqual(handler.seen, ["e1", "e2", "e3"]);
  assert.equal(ledger.calls.length, 0);
  for (const n of [1, 2, 3]) handler.finish(`e${n}`);
  await dispatcher.drain();
});

Deno.test("receipts wait for the effects before them and are then recorded at once", async () => {
  const handler = new SteeredHandler();
  const { dispatcher, ledger } = setUp([handler]);
  for (const n of [1, 2, 3, 4]) await dispatcher.accept(message(n));
  handler.finish("e2");
  handler.finish("e3");
  await settle();
  assert.equal(ledger.calls.length, 0);
  handler.finish("e1");
  await settle();
  assert.deepEqual(ledger.calls.map((call) => call.length), [3]);
  assert.deepEqual(ledger.cursors(), ["1", "2", "3"]);
  handler.finish("e4");
  await dispatcher.drain();
  assert.deepEqual(ledger.cursors(), ["1", "2", "3", "4"]);
  assert.equal(dispatcher.status.applied, 4);
});

Deno.test("a receipt says what is needed to refuse a replay and to go on", async () => {
  const { dispatcher, ledger } = setUp([handlerOf(() => {})]);
  await dispatcher.accept(message(1));
  await dispatcher.accept({ ...message(2), id: "" });
  await dispatcher.drain();
  const issuedAtMs = Date.parse("2026-03-01T12:00:00Z");
  assert.deepEqual(ledger.calls.flat(), [
    { eventId: "e1", type: TYPE, nonce: "n1", issuedAtMs, cursor: "1" },
    { eventId: "e2", type: TYPE, nonce: "n2", issuedAtMs },
  ]);
});

const badMessages: {
  what: string;
  reason: string;
  make: () => { id: string; event: string; data: string };
}[] = [
  {
    what: "text that is no JSON",
    reason: "malformed",
    make: () => ({ id: "9", event: TYPE, data: "{" }),
  },
  {
    what: "a forged event",
    reason: "signature",
    make: () => wrap("9", signedEvent({ nonce: "x" }, "B")),
  },
  {
    what: "a tampered event",
    reason: "signature",
    make: () =>
      wrap("9", { ...signedEvent({ nonce: "x" }), payload: `{"a":1}` }),
  },
  {
    what: "a stale event",
    reason: "stale",
    make: () =>
      wrap("9", signedEvent({ issuedAt: "2026-03-01T11:54:59Z", nonce: "x" })),
  },
  {
    what: "an event from the future",
    reason: "future",
    make: () =>
      wrap("9", signedEvent({ issuedAt: "2026-03-01T12:05:01Z", nonce: "x" })),
  },
  {
    what: "an event without a signature",
    reason: "missing_signature",
    make: () => wrap("9", { ...signedEvent({ nonce: "x" }), signature: "" }),
  },
  { what: "a replayed event", reason: "replay", make: () => message(1) },
];

for (const { what, reason, make } of badMessages) {
  Deno.test(`accept() counts ${what} as "${reason}", and the stream goes on`, async () => {
    const handler = new SteeredHandler();
    const { dispatcher, ledger, log } = setUp([handler]);
    await dispatcher.accept(message(1));
    handler.finish("e1");
    await dispatcher.drain();
    await dispatcher.accept(make());
    await dispatcher.accept(message(2));
    handler.finish("e2");
    await dispatcher.drain();
    assert.deepEqual(dispatcher.status.rejected, { [reason]: 1 });
    assert.deepEqual(handler.seen, ["e1", "e2"]);
    assert.deepEqual(ledger.cursors(), ["1", "2"]);
    const warnings = log.lines.filter((line) => line.level === "warn");
    assert.deepEqual(warnings.map((line) => line.fields["reason"]), [reason]);
  });
}

Deno.test("events that no trusted key has signed are counted until one is verified", async () => {
  const { dispatcher, clock } = setUp([]);
  const forged = (nonce: string) => wrap("9", signedEvent({ nonce }, "B"));
  await dispatcher.accept(forged("x"));
  const sinceMs = clock.now();
  await clock.advance(1_000);
  // What cannot be read at all says nothing about keys.
  await dispatcher.accept({ id: "", data: "no" });
  await dispatcher.accept(forged("y"));
  assert.deepEqual(dispatcher.status.unsigned, { count: 2, sinceMs });
  await dispatcher.accept(message(1));
  await dispatcher.drain();
  assert.equal(dispatcher.status.unsigned, undefined);
});

Deno.test("the log names the key of which nobody has heard, however long its name", async () => {
  const keyId = "k".repeat(100_000);
  const { dispatcher, log } = setUp([], {
    reader: {
      read() {
        throw new RejectedEventError("unknown_key_id", { keyId });
      },
      release() {},
    },
  });
  await dispatcher.accept(message(1));
  const [line] = log.lines;
  assert.equal(line?.fields["reason"], "unknown_key_id");
  assert.equal(line?.fields["key_id"], "k".repeat(128));
});

Deno.test("a flood of refused events is counted in full and logged once a second", async () => {
  const { dispatcher, clock, log } = setUp([]);
  const flood = async () => {
    for (let n = 0; n < 50; n++) {
      await dispatcher.accept({ id: "", data: "no" });
    }
  };
  await flood();
  assert.equal(log.lines.length, 1);
  await clock.advance(1_000);
  await flood();
  assert.equal(log.lines.length, 2);
  assert.deepEqual(dispatcher.status.rejected, { malformed: 100 });
  assert.equal(log.lines[1]?.fields["count"], 51);
});

Deno.test("a reader that breaks does not end the stream", async () => {
  const { ledger, log, clock } = setUp([]);
  const dispatcher = new Dispatcher({
    reader: {
      read() {
        throw new TypeError("broken");
      },
      release() {},
    },
    ledger,
    handlers: new Map(),
    pull() {},
    clock,
    log,
  });
  await dispatcher.accept(message(1));
  assert.deepEqual(dispatcher.status.rejected, { unverifiable: 1 });
});

Deno.test("an event whose effect is durable already has none again, but gets a receipt", async () => {
  const handler = new SteeredHandler();
  const { dispatcher, ledger } = setUp([handler]);
  ledger.applied.add("e1");
  await dispatcher.accept(message(1));
  await dispatcher.drain();
  assert.deepEqual(handler.seen, []);
  assert.deepEqual(ledger.cursors(), ["1"]);
  const { applied, repeated } = dispatcher.status;
  assert.deepEqual({ applied, repeated }, { applied: 0, repeated: 1 });
});

Deno.test("an event without a handler is counted apart and moves the cursor on", async () => {
  const { dispatcher, ledger, log } = setUp([]);
  await dispatcher.accept(message(1, { type: "peer_added" }));
  await dispatcher.drain();
  const { applied, unhandled, lastAppliedMs } = dispatcher.status;
  assert.deepEqual({ applied, unhandled }, { applied: 0, unhandled: 1 });
  assert.equal(lastAppliedMs, undefined);
  assert.deepEqual(ledger.cursors(), ["1"]);
  assert.deepEqual(log.lines.map((line) => line.level), ["debug"]);
});

const handlerFailures: { what: string; error: Error; reason: string }[] = [
  {
    what: "whose payload does not parse",
    error: new ShapeError("Invalid payload"),
    reason: "payload",
  },
  {
    what: "whose handler breaks",
    error: new TypeError("no"),
    reason: "handler",
  },
  {
    what: "that its handler refuses",
    error: new RefusedEventError("foreign", "not ours"),
    reason: "foreign",
  },
];

for (const { what, error, reason } of handlerFailures) {
  Deno.test(`an event ${what} is logged, counted and answered with a pull, and the cursor moves on`, async () => {
    const setup = setUp([handlerOf(() => {
      throw error;
    })]);
    const { dispatcher, ledger, log, pulls } = setup;
    await dispatcher.accept(message(1));
    await dispatcher.drain();
    assert.deepEqual(dispatcher.status.rejected, { [reason]: 1 });
    assert.equal(dispatcher.status.applied, 0);
    assert.equal(pulls.length, 1);
    assert.deepEqual(ledger.cursors(), ["1"]);
    assert.equal(log.lines.length, 1);
    const { event_type, event_id } = log.lines[0]?.fields ?? {};
    assert.deepEqual({ event_type, event_id }, {
      event_type: TYPE,
      event_id: "e1",
    });
  });
}

Deno.test("a handler that breaks does not keep the next one from its work", async () => {
  const order: string[] = [];
  const { dispatcher } = setUp([
    handlerOf(() => {
      order.push("first");
      throw new TypeError("broken");
    }),
    handlerOf(() => {
      order.push("second");
    }),
  ]);
  await dispatcher.accept(message(1));
  await dispatcher.drain();
  assert.deepEqual(order, ["first", "second"]);
});

Deno.test("handlers of one type run one after the other, and the next event after all of them", async () => {
  const first = new SteeredHandler();
  const second = new SteeredHandler();
  const { dispatcher, ledger } = setUp([first, second]);
  const accepted = dispatcher.accept(message(1))
    .then(() => dispatcher.accept(message(2)));
  await settle();
  assert.deepEqual([first.seen, second.seen], [["e1"], []]);
  first.finish("e1");
  await settle();
  assert.deepEqual([first.seen, second.seen], [["e1"], ["e1"]]);
  assert.deepEqual(ledger.cursors(), []);
  second.finish("e1");
  await settle();
  assert.deepEqual([first.seen, second.seen], [["e1", "e2"], ["e1"]]);
  first.finish("e2");
  await settle();
  second.finish("e2");
  await accepted;
  assert.deepEqual(ledger.cursors(), ["1", "2"]);
});

Deno.test("a handler whose effect cannot be stored does not keep the next one from its work", async () => {
  const second = new SteeredHandler();
  const { dispatcher, ledger } = setUp([
    handlerOf(() => {
      throw diskFull();
    }),
    second,
  ]);
  const failure = failureFrom(dispatcher.accept(message(1)));
  await settle();
  assert.deepEqual(second.seen, ["e1"]);
  second.finish("e1");
  assert.ok(await failure instanceof StoreWriteError);
  assert.deepEqual(ledger.cursors(), []);
});

Deno.test("when an effect cannot be stored, the feed hears of it and the event may come again", async () => {
  const handler = new SteeredHandler();
  const { dispatcher, ledger, pulls } = setUp([handler]);
  for (const n of [1, 2, 3]) await dispatcher.accept(message(n));
  handler.finish("e1");
  handler.fail("e2", diskFull());
  handler.finish("e3");
  await settle();
  assert.deepEqual(ledger.cursors(), ["1"]);
  const failure = await failureFrom(dispatcher.accept(message(4)));
  assert.ok(failure instanceof StoreWriteError);
  assert.equal(pulls.length, 1);

  // The feed reconnects and gets everything after the cursor, nonces and all.
  for (const n of [2, 3, 4]) await dispatcher.accept(message(n));
  for (const n of [2, 3, 4]) handler.finish(`e${n}`);
  await dispatcher.drain();
  assert.deepEqual(ledger.cursors(), ["1", "2", "3", "4"]);
  assert.deepEqual(dispatcher.status.rejected, {});
  assert.deepEqual(handler.seen, ["e1", "e2", "e3", "e2", "e3", "e4"]);
});

Deno.test("that an effect cannot be stored is told though no other event comes", async () => {
  const handler = new SteeredHandler();
  const told: unknown[] = [];
  const { dispatcher } = setUp([handler], {
    onNotStored: (error) => told.push(error),
  });
  await dispatcher.accept(message(1));
  const error = diskFull();
  handler.fail("e1", error);
  await settle();
  assert.deepEqual(told, [error]);
  // Whoever drains before the next connection hears it, and nobody after that.
  assert.equal(await failureFrom(dispatcher.drain()), error);
  await dispatcher.accept(message(1));
  handler.finish("e1");
  await dispatcher.drain();
  assert.equal(dispatcher.status.applied, 1);
});

Deno.test("when receipts cannot be stored, the events may come again", async () => {
  const { dispatcher, ledger } = setUp([handlerOf(() => {})]);
  ledger.failures = 1;
  await dispatcher.accept(message(1));
  const failure = await failureFrom(dispatcher.drain());
  assert.ok(failure instanceof StoreWriteError);
  await dispatcher.accept(message(1));
  await dispatcher.drain();
  assert.deepEqual(ledger.cursors(), ["1"]);
  assert.equal(dispatcher.status.applied, 1);
});

Deno.test("accept() waits while too many effects are under way", async () => {
  const handler = new SteeredHandler();
  const { dispatcher } = setUp([handler], { maxInFlight: 2 });
  await dispatcher.accept(message(1));
  let accepted = false;
  const second = dispatcher.accept(message(2)).then(() => accepted = true);
  await settle();
  assert.equal(accepted, false);
  handler.finish("e1");
  await second;
  handler.finish("e2");
  await dispatcher.drain();
});

Deno.test("a failure lets go of whoever waits for room", async () => {
  const handler = new SteeredHandler();
  const { dispatcher } = setUp([handler], { maxInFlight: 1 });
  const waiting = failureFrom(dispatcher.accept(message(1)));
  await settle();
  handler.fail("e1", diskFull());
  assert.ok(await waiting instanceof StoreWriteError);
});

Deno.test("Dispatcher refuses a limit that nothing fits under", () => {
  for (const maxInFlight of [0, NaN]) {
    assert.throws(() => setUp([], { maxInFlight }), RangeError);
  }
});

Deno.test("an event that brings nothing new counts as repeated, and has its receipt", async () => {
  const handler = new SteeredHandler();
  const { dispatcher, ledger, pulls } = setUp([handler]);
  await dispatcher.accept(message(1));
  handler.finish("e1", "known");
  await dispatcher.drain();
  const { applied, repeated, rejected } = dispatcher.status;
  assert.deepEqual({ applied, repeated }, { applied: 0, repeated: 1 });
  assert.deepEqual(rejected, {});
  assert.deepEqual(ledger.cursors(), ["1"]);
  assert.deepEqual(pulls, []);
});

Deno.test("a barrier is alone: effects before it are durable, those after it wait", async () => {
  const state = new SteeredHandler();
  const rotation = new SteeredHandler();
  const barrier = {
    barrier: true,
    handle: (event: VerifiedEvent) => rotation.handle(event),
  };
  const { dispatcher, ledger } = setUp([state], {
    others: { signing_key_rotated: barrier },
  });
  await dispatcher.accept(message(1));
  const rotated = dispatcher.accept(
    message(2, { type: "signing_key_rotated" }),
  );
  await settle();
  assert.deepEqual(rotation.seen, []);
  state.finish("e1");
  await settle();
  assert.deepEqual(rotation.seen, ["e2"]);
  assert.deepEqual(ledger.cursors(), ["1"]);
  let next = false;
  const accepted = rotated.then(() => next = true);
  await settle();
  assert.equal(next, false);
  rotation.finish("e2");
  await accepted;
  assert.deepEqual(ledger.cursors(), ["1", "2"]);
});

Deno.test("a barrier behind a failure may come again, too", async () => {
  const state = new SteeredHandler();
  const barrier: Handler = {
    barrier: true,
    handle: () => Promise.resolve("applied"),
  };
  const { dispatcher, ledger } = setUp([state], {
    others: { signing_key_rotated: barrier },
  });
  const rotation = message(2, { type: "signing_key_rotated" });
  await dispatcher.accept(message(1));
  const failed = failureFrom(dispatcher.accept(rotation));
  await settle();
  state.fail("e1", diskFull());
  assert.ok(await failed instanceof StoreWriteError);
  await dispatcher.accept(rotation);
  assert.deepEqual(ledger.cursors(), ["2"]);
  assert.deepEqual(dispatcher.status.rejected, {});
});

Deno.test("no receipt is forgotten when events come just as recording ends", async () => {
  const { dispatcher, ledger } = setUp([handlerOf(() => {})]);
  let expected = 0;
  for (let turns = 0; turns < 40; turns++) {
    await dispatcher.accept(message(++expected));
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await dispatcher.accept(message(++expected));
    await dispatcher.drain();
    assert.equal(ledger.cursors().length, expected, `after ${turns} turns`);
  }
});

Deno.test("verified events are counted by type, unknown types as one", async () => {
  const instant: Handler = { handle: () => Promise.resolve("applied") };
  const { dispatcher } = setUp([instant], { others: { custom: instant } });
  const types = [TYPE, TYPE, "custom", "peer_added", "x", "y"];
  for (const [at, type] of types.entries()) {
    await dispatcher.accept(message(at + 1, { type }));
  }
  await dispatcher.drain();
  assert.deepEqual(dispatcher.status.byType, {
    [TYPE]: 2,
    custom: 1,
    peer_added: 1,
    other: 2,
  });
});

Deno.test("while a pull is owed events are applied, and confirm nothing", async () => {
  let isOwed = false;
  const { dispatcher, clock } = setUp([handlerOf(() => {})], {
    isPullOwed: () => isOwed,
    others: {
      policy_updated: pullHandler(() => {
        isOwed = true;
      }),
    },
  });
  await dispatcher.accept(message(1));
  await dispatcher.drain();
  const confirmedMs = clock.now();
  assert.equal(dispatcher.lastConfirmedMs, confirmedMs);
  for (const [n, type] of [[2, "policy_updated"], [3, TYPE]] as const) {
    await clock.advance(5_000);
    await dispatcher.accept(message(n, { type }));
    await dispatcher.drain();
    assert.equal(dispatcher.status.applied, n);
    assert.equal(dispatcher.status.lastAppliedMs, clock.now());
    assert.equal(dispatcher.lastConfirmedMs, confirmedMs);
  }
  isOwed = false;
  await dispatcher.accept(message(4));
  await dispatcher.drain();
  assert.equal(dispatcher.lastConfirmedMs, clock.now());
});

Deno.test("types without handlers go to the one that takes all others", async () => {
  const seen: string[] = [];
  const { dispatcher, clock, ledger, log, keyring } = setUp([]);
  const other = new Dispatcher({
    reader: eventReader(1, {
      keyring,
      replayWindow: new ReplayWindow(),
      clock,
    }),
    ledger,
    handlers: new Map(),
    otherwise: {
      handle(event) {
        seen.push(event.type);
        return Promise.resolve("applied");
      },
    },
    pull() {},
    clock,
    log,
  });
  assert.equal(dispatcher.status.applied, 0);
  await other.accept(message(1, { type: "anything" }));
  await other.drain();
  assert.deepEqual(seen, ["anything"]);
  assert.equal(other.status.applied, 1);
});

/** Takes message `n` as NATS brings it; `told` fills with what became of it. */
function byNats(
  dispatcher: Dispatcher,
  told: Delivery[],
  { data }: { readonly data: string },
  redelivered = false,
): Promise<void> {
  const carried = { id: "", data, carrier: "nats", redelivered } as const;
  return dispatcher.accept(carried, (delivery) => told.push(delivery));
}

Deno.test("accept() tells what became of a message once that is durable, and not before", async () => {
  const handler = new SteeredHandler();
  const { dispatcher } = setUp([handler]);
  const told: Delivery[] = [];
  await byNats(dispatcher, told, message(1));
  await settle();
  assert.deepEqual(told, []);
  handler.finish("e1");
  await dispatcher.drain();
  assert.deepEqual(told, ["taken"]);
});

Deno.test("accept() tells that a message was refused: forged, stale, replayed, or for what it says", async () => {
  const refusing = handlerOf(({ id }) => {
    if (id === "e5") throw new RefusedEventError("foreign", "not for us");
  });
  const { dispatcher, clock } = setUp([refusing]);
  const told: Delivery[] = [];
  const { data } = message(1);
  const forged = data.replace('"payload":{}', '"payload":{"metadata":{}}');
  assert.notEqual(forged, data);
  await byNats(dispatcher, told, { data: forged });
  const old = new Date(clock.now() - 301_000).toISOString();
  await byNats(dispatcher, told, message(2, { issuedAt: old }));
  await byNats(dispatcher, told, message(3));
  await dispatcher.drain();
  await byNats(dispatcher, told, message(3));
  await byNats(dispatcher, told, message(5));
  await dispatcher.drain();
  assert.deepEqual(told, [
    "refused",
    "refused",
    "taken",
    "refused",
    "refused",
  ]);
  assert.equal(dispatcher.status.rejected["replay"], 1);
});

Deno.test("accept() tells that a message has to come again when its effect, or one before it, was not stored", async () => {
  const handler = new SteeredHandler();
  const { dispatcher } = setUp([handler]);
  const told: Delivery[] = [];
  await byNats(dispatcher, told, message(1));
  await byNats(dispatcher, told, message(2));
  handler.finish("e2");
  handler.fail("e1", diskFull());
  await settle();
  assert.deepEqual(told, ["failed", "failed"]);
  await assert.rejects(byNats(dispatcher, told, message(1)), StoreWriteError);
  // It may come again: its nonce was given back.
  await byNats(dispatcher, told, message(1), true);
  handler.finish("e1");
  await dispatcher.drain();
  assert.deepEqual(told, ["failed", "failed", "taken"]);
});

Deno.test("accept() takes one signature by two carriers as one event, in either order", async () => {
  const seen: string[] = [];
  const { dispatcher, ledger } = setUp([handlerOf(({ id }) => seen.push(id))]);
  const told: Delivery[] = [];
  await dispatcher.accept(message(1));
  await dispatcher.drain();
  await byNats(dispatcher, told, message(1));
  await byNats(dispatcher, told, message(2));
  await dispatcher.drain();
  await dispatcher.accept(message(2));
  await dispatcher.drain();
  assert.deepEqual(seen, ["e1", "e2"]);
  assert.deepEqual(told, ["taken", "taken"]);
  assert.deepEqual(dispatcher.status.rejected, {});
  assert.equal(dispatcher.status.repeated, 2);
  assert.deepEqual(ledger.cursors(), ["1", undefined]);
});

Deno.test("accept() takes what its carrier brings again as repeated, but never before the first is durable", async () => {
  const handler = new SteeredHandler();
  const { dispatcher } = setUp([handler]);
  const told: Delivery[] = [];
  await byNats(dispatcher, told, message(1));
  await byNats(dispatcher, told, message(1), true);
  await settle();
  assert.deepEqual(told, []);
  handler.finish("e1");
  await dispatcher.drain();
  await byNats(dispatcher, told, message(1), true);
  assert.deepEqual(told, ["taken", "taken", "taken"]);
  assert.deepEqual(handler.seen, ["e1"]);
  assert.deepEqual(dispatcher.status.rejected, {});
});
