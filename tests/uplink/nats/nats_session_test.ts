import assert from "node:assert/strict";
import type { Handler } from "../../../src/sync/handler.ts";
import { Dispatcher } from "../../../src/sync/dispatcher.ts";
import type { Membership } from "../../../src/store/membership.ts";
import { StoreWriteError } from "../../../src/store/store_errors.ts";
import { eventReader } from "../../../src/trust/event_reader.ts";
import { Keyring } from "../../../src/trust/keyring.ts";
import { ReplayWindow } from "../../../src/trust/replay_window.ts";
import { BusError } from "../../../src/uplink/nats/bus_error.ts";
import type { NatsSession } from "../../../src/uplink/nats/nats_session.ts";
import type { Envelope } from "../../../src/wire/envelope.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { MemoryLog } from "../../fakes/memory_log.ts";
import { hasNatsServer, NatsServer } from "../../fakes/nats_server.ts";
import { eventually } from "../../scenarios/eventually.ts";
import { inFolder, openStore } from "../../store/open_store.ts";
import { publicKeyOf, signedEvent } from "../../trust/signers.ts";
import { CAN_MAKE_CERTIFICATES, withCertificates } from "../certificates.ts";
import { openSession, PlainBus } from "./plain_bus.ts";

const ignore = !hasNatsServer();

const nothing = { accept: () => Promise.resolve() };

function envelope(n: number, fields: Partial<Envelope> = {}): string {
  const event = signedEvent({ id: `e${n}`, nonce: `n${n}`, ...fields });
  return JSON.stringify({
    event_type: event.type,
    event_id: event.id,
    issued_at: event.issuedAt,
    nonce: event.nonce,
    payload: JSON.parse(event.payload),
    signature: event.signature,
  });
}

/** Verifier, dispatcher and store as the agent has them. */
function dispatcherOf(
  store: Membership,
  clock: FakeClock,
  handle: Handler["handle"],
): Dispatcher {
  return new Dispatcher({
    reader: eventReader(1, {
      keyring: new Keyring({
        current: publicKeyOf("A"),
        retired: [],
        signedChange: false,
      }),
      replayWindow: new ReplayWindow(store.events.nonces()),
      clock,
    }),
    ledger: store.events,
    handlers: new Map([["node_state_updated", [{ handle }]]]),
    pull: () => {},
    clock,
    log: new MemoryLog(),
  });
}

/** Reads until the work is done. @returns what reading ended with. */
async function whileReading(
  session: NatsSession,
  work: () => Promise<void>,
): Promise<unknown> {
  const reading = session.read().then(() => undefined, (error) => error);
  try {
    await work();
  } finally {
    await session.close();
  }
  return await reading;
}

const isEmpty = (bus: PlainBus) => async () =>
  await bus.left() === 0 ? true : undefined;

async function kindOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof BusError, String(error));
    return error.kind;
  }
}

Deno.test({
  name: "a message is acknowledged once its effect is durable, and not before",
  ignore,
  fn: () =>
    inFolder(async (dir) => {
      await using bus = await PlainBus.start({ ackWaitMs: 60_000 });
      const { store, clock } = await openStore(dir);
      const effect = Promise.withResolvers<"applied">();
      const seen: string[] = [];
      const dispatcher = dispatcherOf(store, clock, ({ id }) => {
        seen.push(id);
        return effect.promise;
      });
      await bus.publish(envelope(1));
      const session = await bus.open(dispatcher);
      const end = await whileReading(session, async () => {
        await eventually("it came", () => seen.length > 0 ? true : undefined);
        assert.equal(await bus.left(), 1);
        effect.resolve("applied");
        await eventually("it is acknowledged", isEmpty(bus));
        assert.ok(store.events.hasApplied("e1"));
        assert.equal(store.events.cursor, undefined);
      });
      assert.equal(end, undefined);
      assert.deepEqual(bus.refused, []);
      await store.close();
    }),
});

Deno.test({
  name:
    "forged, stale, replayed and overlong messages are told of once, and never come again",
  ignore,
  fn: () =>
    inFolder(async (dir) => {
      await using bus = await PlainBus.start();
      const { store, clock } = await openStore(dir);
      const seen: string[] = [];
      const dispatcher = dispatcherOf(store, clock, ({ id }) => {
        seen.push(id);
        return Promise.resolve("applied");
      });
      const issuedAt = new Date(clock.now() - 301_000).toISOString();
      await bus.publish(
        envelope(1).replace('"payload":{}', '"payload":{"a":1}'),
      );
      await bus.publish("no envelope");
      await bus.publish(envelope(2, { issuedAt }));
      await bus.publish(envelope(3));
      await bus.publish(envelope(3));
      await bus.publish("x".repeat(100_001));
      await bus.publish(envelope(4));
      await whileReading(await bus.open(dispatcher), async () => {
        await eventually("all are answered", isEmpty(bus));
        await bus.publish(envelope(5));
        await eventually("one more is", isEmpty(bus));
      });
      assert.deepEqual(seen, ["e3", "e4", "e5"]);
      assert.equal(await bus.redelivered(), 0);
      assert.deepEqual(dispatcher.status.rejected, {
        malformed: 1,
        replay: 1,
        signature: 1,
        stale: 1,
      });
      assert.equal(bus.refused.length, 4);
      assert.equal(bus.skipped, 1);
      await store.close();
    }),
});

Deno.test({
  name:
    "a message whose effect could not be stored comes again, and is applied",
  ignore,
  fn: () =>
    inFolder(async (dir) => {
      await using bus = await PlainBus.start({ ackWaitMs: 60_000 });
      const { store, clock } = await openStore(dir);
      let tries = 0;
      const dispatcher = dispatcherOf(store, clock, () => {
        const full = new StoreWriteError("state", new Error("disk full"));
        return tries++ === 0
          ? Promise.reject(full)
          : Promise.resolve("applied");
      });
      await bus.publish(envelope(1));
      await whileReading(await bus.open(dispatcher), async () => {
        await eventually(
          "it is applied",
          async () => tries > 1 && await bus.left() === 0 ? true : undefined,
        );
      });
      assert.ok(store.events.hasApplied("e1"));
      assert.deepEqual(bus.refused, []);
      await store.close();
    }),
});

Deno.test({
  name:
    "an agent that dies between effect and acknowledgement applies nothing twice",
  ignore,
  fn: () =>
    inFolder(async (dir) => {
      await using bus = await PlainBus.start();
      const seen: string[] = [];
      const handle: Handler["handle"] = ({ id }) => {
        seen.push(id);
        return Promise.resolve("applied");
      };
      const first = await openStore(dir);
      const dying = dispatcherOf(first.store, first.clock, handle);
      await bus.publish(envelope(1));
      const session = await bus.open({
        accept: ({ id, data }) =>
          dying.accept({ id, data, carrier: "nats" }, () => {}),
      });
      await whileReading(session, () =>
        eventually("it is durable", () =>
          first.store.events.hasApplied("e1") ? true : undefined).then(
            () => {},
          ));
      assert.equal(await bus.left(), 1);
      await first.store.close();

      const { store, clock } = await openStore(dir);
      const next = dispatcherOf(store, clock, handle);
      await whileReading(await bus.open(next), () =>
        eventually("it is acknowledged", isEmpty(bus)).then(() => {}));
      assert.deepEqual(seen, ["e1"]);
      assert.deepEqual(next.status.rejected, {});
      assert.deepEqual(bus.refused, []);
      await store.close();
    }),
});

Deno.test({
  name: "more messages than a batch holds are all taken, in order",
  ignore,
  fn: () =>
    inFolder(async (dir) => {
      await using bus = await PlainBus.start({ ackWaitMs: 60_000 });
      const { store, clock } = await openStore(dir);
      const seen: string[] = [];
      const dispatcher = dispatcherOf(store, clock, ({ id }) => {
        seen.push(id);
        return Promise.resolve("applied");
      });
      const all = Array.from({ length: 250 }, (_, n) => `e${n}`);
      for (const n of all.keys()) await bus.publish(envelope(n));
      await whileReading(await bus.open(dispatcher), () =>
        eventually("all are taken", isEmpty(bus)).then(() => {}));
      assert.deepEqual(seen, all);
      await store.close();
    }),
});

Deno.test({
  name: "a server that is killed ends the reading",
  ignore,
  async fn() {
    await using bus = await PlainBus.start();
    const session = await bus.open(nothing);
    const reading = kindOf(session.read());
    await bus.nats.kill();
    assert.equal(await reading, "unreachable");
    await session.close();
    assert.equal(await kindOf(bus.open(nothing)), "unreachable");
  },
});

Deno.test({
  name: "a consumer that is gone is told from a server that is",
  ignore,
  async fn() {
    await using bus = await PlainBus.start();
    const session = await bus.open(nothing);
    const reading = kindOf(session.read());
    await bus.dropConsumer();
    assert.ok(await reading);
    await session.close();
    assert.equal(await kindOf(bus.open(nothing)), "missing");
  },
});

Deno.test({
  name:
    "a login that is refused is said so, and ends no process, however often",
  ignore,
  async fn() {
    await using nats = new NatsServer();
    await nats.start("authorization { user: one, password: other }");
    for (let at = 0; at < 8; at++) {
      const opening = openSession(nothing, {}, { servers: [nats.url] });
      assert.equal(await kindOf(opening), "unauthorized");
    }
  },
});

Deno.test("a bus whose address is not safe to use is refused", async () => {
  for (
    const server of [
      "nats://192.0.2.1:4222",
      "http://127.0.0.1:4222",
      "nats://user:word@127.0.0.1:4222",
      "ws://127.0.0.1:4222",
      // It would be checked as if it were localhost.
      "tls://127.0.0.1:4222",
      "tls://[::1]:4222",
    ]
  ) {
    const opening = openSession(nothing, {}, { servers: [server] });
    assert.equal(await kindOf(opening), "not_allowed", server);
  }
});

Deno.test({
  name:
    "a bus behind TLS has to show a certificate that is trusted and its own",
  ignore: ignore || !CAN_MAKE_CERTIFICATES,
  fn: () =>
    withCertificates(async ({ ca, server, client }) => {
      const folder = await Deno.makeTempDir();
      try {
        await using bus = await PlainBus.start();
        const start = async ({ cert, key }: typeof server) => {
          await Deno.writeTextFile(`${folder}/cert.pem`, cert);
          await Deno.writeTextFile(`${folder}/key.pem`, key);
          const nats = new NatsServer();
          await nats.start(`tls {
            cert_file: "${folder}/cert.pem"
            key_file: "${folder}/key.pem"
          }`);
          return nats;
        };
        // There is no JetStream there: who hears of that was let in.
        const comesIn = async (nats: NatsServer, ca?: string) => {
          const opening = openSession(
            nothing,
            { ca, connectTimeoutMs: 3_000 },
            {
              servers: [`tls://localhost:${nats.port}`],
            },
          );
          const error = await opening.then(() => undefined, (error) => error);
          assert.ok(error instanceof BusError);
          return /jetstream/i.test(String(error.cause));
        };
        await using own = await start(server);
        assert.equal(await comesIn(own), false, "it is not trusted");
        await using foreign = await start(client);
        assert.equal(await comesIn(foreign, ca), false, "it has another name");
        assert.equal(await comesIn(bus.nats, ca), false, "it has no TLS");
        // Deno 2.7 makes no TLS out of an open connection, and says so.
        const isAble = !Deno.version.deno.startsWith("2.7.");
        assert.equal(await comesIn(own, ca), isAble);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
});
