import assert from "node:assert/strict";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { PulledKeys } from "../../src/sync/pulled_keys.ts";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import { signingKeyHandler } from "../../src/sync/signing_key_handler.ts";
import type { Keyring, KeyringState } from "../../src/trust/keyring.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { publicKeyOf } from "../trust/signers.ts";
import { failureFrom } from "../uplink/serve.ts";
import { keyringOf, verifiedEvent } from "./events.ts";

/** Keeps what was saved, and which key was current at that time. */
class MemoryKeys {
  readonly saved: KeyringState[] = [];
  readonly currentWhenSaved: string[] = [];
  failures = 0;
  /** How many turns of the event loop the next calls take. */
  readonly slowness: number[] = [];

  constructor(readonly keyring: Keyring) {}

  async save(state: KeyringState): Promise<void> {
    if (this.failures-- > 0) {
      throw new StoreWriteError("keys", new Error("disk full"));
    }
    this.saved.push(state);
    this.currentWhenSaved.push(this.keyring.state.current);
    await settle(this.slowness.shift() ?? 0);
  }
}

function setUp(options: { allowed?: boolean; domainId?: string } = {}) {
  const { allowed = true, domainId = "d_1" } = options;
  const keyring = keyringOf("A");
  const store = new MemoryKeys(keyring);
  const clock = new FakeClock();
  const log = new MemoryLog();
  const degraded = new Degraded(clock, log);
  const handler = signingKeyHandler({
    keyring,
    store,
    nodeId: "n_1",
    domainId,
    clock,
    log,
  });
  const pulled = new PulledKeys({ keyring, store, allowed, degraded, clock });
  return { keyring, store, degraded, handler, pulled, log, clock };
}

const toB = {
  current: publicKeyOf("B"),
  previous: publicKeyOf("A"),
  transition_expires: "2026-03-01T13:00:00Z",
};
const pulledB = {
  current: toB.current,
  previous: toB.previous,
  transitionExpires: toB.transition_expires,
};

function rotation(payload: unknown) {
  return verifiedEvent({
    type: "signing_key_rotated",
    payload: JSON.stringify(payload),
  });
}

Deno.test("signing_key_rotated is stored first and in force then", async () => {
  const { handler, keyring, store } = setUp();
  await handler.handle(rotation({ ...toB, domain_id: "d_1" }));
  assert.equal(handler.barrier, true);
  assert.deepEqual(store.currentWhenSaved, [publicKeyOf("A")]);
  assert.equal(keyring.state.current, publicKeyOf("B"));
  assert.equal(keyring.state.signedChange, true);
  assert.deepEqual(store.saved, [keyring.state]);
});

Deno.test("signing_key_rotated that could not be stored changes no key", async () => {
  const { handler, keyring, store } = setUp();
  store.failures = 1;
  const failure = await failureFrom(handler.handle(rotation(toB)));
  assert.ok(failure instanceof StoreWriteError);
  assert.equal(keyring.state.current, publicKeyOf("A"));
});

Deno.test("signing_key_rotated that comes again writes nothing", async () => {
  const { handler, store } = setUp();
  await handler.handle(rotation(toB));
  await handler.handle(rotation(toB));
  assert.equal(store.saved.length, 1);
});

const refused: { what: string; payload: unknown; kind: string }[] = [
  {
    what: "for another domain",
    payload: { ...toB, domain_id: "d_2" },
    kind: "foreign",
  },
  {
    what: "for another node",
    payload: { ...toB, node_id: "n_2" },
    kind: "foreign",
  },
  {
    what: "with a key that is none",
    payload: { current: "AAAA" },
    kind: "keys",
  },
];

for (const { what, payload, kind } of refused) {
  Deno.test(`signing_key_rotated ${what} is refused and changes nothing`, async () => {
    const { handler, keyring, store } = setUp();
    const failure = await failureFrom(handler.handle(rotation(payload)));
    assert.ok(failure instanceof RefusedEventError);
    assert.equal(failure.kind, kind);
    assert.equal(store.saved.length, 0);
    assert.equal(keyring.state.current, publicKeyOf("A"));
  });
}

Deno.test("signing_key_rotated of the wrong shape throws a ShapeError", async () => {
  const { handler } = setUp();
  const failure = await failureFrom(handler.handle(rotation({ current: 7 })));
  assert.ok(failure instanceof ShapeError);
});

Deno.test("take() adopts pulled keys where that is allowed, durable first", async () => {
  const { pulled, keyring, store, degraded } = setUp();
  assert.equal(await pulled.take(pulledB), true);
  assert.equal(keyring.state.current, publicKeyOf("B"));
  assert.deepEqual(store.currentWhenSaved, [publicKeyOf("A")]);
  assert.equal(await pulled.take(pulledB), false);
  assert.equal(store.saved.length, 1);
  assert.deepEqual(degraded.list(), []);
});

Deno.test("take() keeps the keys and shows it where pulls may not change them", async () => {
  const { pulled, keyring, degraded } = setUp({ allowed: false });
  assert.equal(await pulled.take(pulledB), false);
  assert.equal(keyring.state.current, publicKeyOf("A"));
  const reasons = () => degraded.list().map(({ reason }) => reason);
  assert.deepEqual(reasons(), ["key_change_unconfirmed"]);
  assert.equal(await pulled.take({ current: publicKeyOf("A") }), false);
  assert.deepEqual(reasons(), []);
});

Deno.test("take() believes no unsigned keys once a signed event has changed them", async () => {
  const { pulled, handler, keyring, degraded } = setUp();
  await handler.handle(rotation(toB));
  assert.equal(await pulled.take({ current: publicKeyOf("C") }), false);
  assert.equal(keyring.state.current, publicKeyOf("B"));
  assert.equal(degraded.list()[0]?.reason, "key_change_unconfirmed");
});

Deno.test("take() at the same time as a signed rotation does not undo it", async () => {
  for (const signedFirst of [true, false]) {
    const { pulled, handler, keyring, store } = setUp();
    store.slowness.push(5, 0);
    const signed = () => handler.handle(rotation(toB));
    const unsigned = () => pulled.take({ current: publicKeyOf("C") });
    await Promise.all(
      signedFirst ? [signed(), unsigned()] : [unsigned(), signed()],
    );
    assert.equal(keyring.state.current, publicKeyOf("B"));
    assert.deepEqual(store.saved.at(-1), keyring.state);
  }
});

Deno.test("a store that fails keeps the next key change from nothing", async () => {
  const { pulled, handler, keyring, store } = setUp();
  store.failures = 1;
  const failed = failureFrom(pulled.take(pulledB));
  await handler.handle(rotation(toB));
  assert.ok(await failed instanceof StoreWriteError);
  assert.equal(keyring.state.current, publicKeyOf("B"));
});

Deno.test("present names the previous key only while its transition lasts", async () => {
  const { pulled, clock } = setUp();
  assert.deepEqual(pulled.present, { current: publicKeyOf("A") });
  await pulled.take(pulledB);
  assert.deepEqual(pulled.present, {
    ...pulledB,
    transitionExpires: "2026-03-01T13:00:00.000Z",
  });
  clock.jump(3_600_000);
  assert.deepEqual(pulled.present, { current: publicKeyOf("B") });
});
