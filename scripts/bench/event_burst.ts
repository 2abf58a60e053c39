import assert from "node:assert/strict";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { cpuUsage } from "node:process";
import { EventMaker, type SentEvent } from "./event_maker.ts";
import { openReceiver } from "./event_receiver.ts";
import { keyOf } from "./prepare.ts";
import { print } from "./print.ts";
import { mediansOf, takeTurns } from "./row.ts";

/**
 * A burst of events through verifier, dispatcher, state store and ledger on
 * real files, beside nothing but the verification of the same signatures.
 *
 * Arguments: folder, rounds. Prints two of `{value, floor}`: events per second,
 * and time on processors of one event, in µs.
 */
const [folder, rounds] = Deno.args;
const EVENTS = 10_000;

/** As much as a read from a socket gives at once. */
const CHUNK_BYTES = 64 * 1024;

let burst = newBurst();
let round = 0;
// Once without counting: code that was never run is slow.
verifyAll();
await receiveAll();
const turns = await takeTurns(
  Number(rounds),
  receiveAll,
  () => Promise.resolve(verifyAll()),
);
print(JSON.stringify([
  mediansOf(turns, ({ perSecond }) => perSecond),
  mediansOf(turns, ({ cpuUs }) => cpuUs),
]));

/** What a burst took, of the wall's time and of all processors'. */
interface Spent {
  readonly perSecond: number;
  readonly cpuUs: number;
}

function newBurst() {
  const maker = EventMaker.create();
  const events = Array.from({ length: EVENTS }, () => maker.next());
  return { events, publicKey: maker.publicKey };
}

/** The runtime's verification and nothing else, on events not yet received. */
function verifyAll(): Spent {
  burst = newBurst();
  const key = keyFrom(burst.publicKey);
  const spent = stopwatch();
  for (const { message, signature } of burst.events) {
    assert(verify(null, message, key, signature));
  }
  return spent();
}

async function receiveAll(): Promise<Spent> {
  const { events, publicKey } = burst;
  const { store, dispatcher, receive } = await openReceiver(
    `${folder}/${round++}`,
    publicKey,
  );
  const chunks = chunksOf(events);
  const spent = stopwatch();
  await receive(() => Promise.resolve(ReadableStream.from(chunks)));
  const result = spent();
  assert.equal(dispatcher.status.applied, EVENTS);
  assert.equal(store.state.view.data.get(keyOf(1))?.version, EVENTS + 1);
  assert.equal(store.events.cursor, String(EVENTS + 1));
  await store.close();
  return result;
}

function chunksOf(events: readonly SentEvent[]): Uint8Array<ArrayBuffer>[] {
  const size = events.reduce((sum, { frame }) => sum + frame.length, 0);
  const all = new Uint8Array(size);
  let end = 0;
  for (const { frame } of events) {
    all.set(frame, end);
    end += frame.length;
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    chunks.push(all.subarray(at, at + CHUNK_BYTES));
  }
  return chunks;
}

function keyFrom(publicKey: string): KeyObject {
  const der = [
    ...Uint8Array.fromHex("302a300506032b6570032100"),
    ...Uint8Array.fromBase64(publicKey),
  ];
  return createPublicKey({
    key: Uint8Array.from(der).toBase64(),
    encoding: "base64",
    format: "der",
    type: "spki",
  });
}

function stopwatch(): () => Spent {
  const started = performance.now();
  const before = cpuUsage();
  return () => {
    const ms = performance.now() - started;
    const { user, system } = cpuUsage(before);
    return {
      perSecond: EVENTS / ms * 1000,
      cpuUs: (user + system) / EVENTS,
    };
  };
}
