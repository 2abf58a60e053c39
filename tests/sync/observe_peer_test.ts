import assert from "node:assert/strict";
import {
  FAILURES_KEPT,
  lossOf,
  type PeerObservation,
  TRIES_KEPT,
} from "../../src/store/peer_cache.ts";
import { observePeer, type ProbeResult } from "../../src/sync/observe_peer.ts";

const yes = (latencyMs: number): ProbeResult => ({ answered: true, latencyMs });
const NO: ProbeResult = { answered: false, reason: "timeout" };

function after(results: readonly ProbeResult[]): PeerObservation {
  let known: PeerObservation | undefined;
  for (const [at, result] of results.entries()) {
    const one = { peerId: "n_b", atMs: at, position: { epoch: 1, version: 7 } };
    known = observePeer(known, one, result);
  }
  return known!;
}

Deno.test("a first answer is all that is known", () => {
  assert.deepEqual(after([yes(12)]), {
    peerId: "n_b",
    lastTriedMs: 0,
    lastSuccessMs: 0,
    latencyMs: 12,
    tries: "1",
    score: 1,
    failures: [],
    configVersion: { epoch: 1, version: 7 },
  });
});

Deno.test("a peer that never answered has neither latency nor success, instead of zero", () => {
  const known = after([NO, NO]);
  assert.deepEqual(known, {
    peerId: "n_b",
    lastTriedMs: 1,
    tries: "00",
    score: 0,
    failures: [{ atMs: 0, reason: "timeout" }, { atMs: 1, reason: "timeout" }],
  });
  assert.equal(lossOf(known), 1);
});

Deno.test("what was known of success stays when a peer fails", () => {
  const known = after([yes(8), NO]);
  assert.equal(known.lastSuccessMs, 0);
  assert.equal(known.latencyMs, 8);
  assert.equal(known.score, 0.75);
  assert.equal(lossOf(known), 0.5);
});

Deno.test("latency is smoothed, and the score follows the latest tries", () => {
  assert.equal(after([yes(8), yes(16)]).latencyMs, 9);
  const recovered = after([...Array(20).fill(NO), ...Array(20).fill(yes(1))]);
  assert.ok(recovered.score > 0.99);
  assert.equal(lossOf(recovered), 0);
});

Deno.test("only the last tries and failures are kept", () => {
  const known = after(Array(100).fill(NO));
  assert.equal(known.tries.length, TRIES_KEPT);
  assert.equal(known.failures.length, FAILURES_KEPT);
  assert.equal(known.failures.at(-1)?.atMs, 99);
});
