import assert from "node:assert/strict";
import fc from "fast-check";
import { Keyring } from "../../src/trust/keyring.ts";
import { ReplayWindow } from "../../src/trust/replay_window.ts";
import { EventVerifier } from "../../src/trust/verify_event.ts";
import { RejectedEventError } from "../../src/trust/rejected_event_error.ts";
import { MalformedEnvelopeError } from "../../src/wire/envelope_members.ts";
import { parseEnvelope } from "../../src/wire/parse_envelope.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { vectors, VECTORS_NOW_MS } from "../vectors/load.ts";
import { publicKeyOf, signedEvent, type SignerName } from "./signers.ts";

interface VectorKeys {
  readonly current: string;
  readonly previous?: string | undefined;
  readonly transition_expires?: string | undefined;
}

function verifierFor(keys: VectorKeys, window = new ReplayWindow()) {
  const { previous, transition_expires } = keys;
  const keyring = new Keyring({
    current: publicKeyOf(keys.current as SignerName),
    ...(previous ? { previous: publicKeyOf(previous as SignerName) } : {}),
    ...(transition_expires
      ? { transitionExpiresMs: Date.parse(transition_expires) }
      : {}),
    retired: [],
    signedChange: false,
  });
  const clock = new FakeClock(VECTORS_NOW_MS);
  const verifier = new EventVerifier({ keyring, replayWindow: window, clock });
  return { verifier, clock, window };
}

/** "accept", or "reject: kind", or "malformed: kind". */
function outcomeOf(verifier: EventVerifier, data: string): string {
  try {
    verifier.verify(parseEnvelope(data));
    return "accept";
  } catch (error) {
    if (error instanceof RejectedEventError) return `reject: ${error.kind}`;
    if (error instanceof MalformedEnvelopeError) {
      return `malformed: ${error.kind}`;
    }
    throw error;
  }
}

function expected(vector: { expect: string; reason?: string | undefined }) {
  const { expect, reason } = vector;
  return reason === undefined ? expect : `${expect}: ${reason}`;
}

Deno.test("the vectors hold 50 envelopes and 3 sequences of dialect 1", () => {
  assert.equal(vectors.envelopes_dialect1.length, 50);
  assert.equal(vectors.envelope_sequences_dialect1.length, 3);
});

for (const vector of vectors.envelopes_dialect1) {
  Deno.test(`verify() ends as in vector ${vector.name}`, () => {
    const { verifier } = verifierFor(vector.keys);
    assert.equal(outcomeOf(verifier, vector.wire_data), expected(vector));
  });
}

for (const { name, keys, steps } of vectors.envelope_sequences_dialect1) {
  Deno.test(`verify() ends as in sequence ${name}`, () => {
    const { verifier } = verifierFor(keys);
    assert.deepEqual(
      steps.map((step) => outcomeOf(verifier, step.wire_data)),
      steps.map(expected),
    );
  });
}

function kindOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RejectedEventError) return error.kind;
    throw error;
  }
  return "accepted";
}

Deno.test("verify() says when an event was issued and by whom it was signed", () => {
  const { verifier } = verifierFor({
    current: "A",
    previous: "B",
    transition_expires: "2026-03-01T12:00:01Z",
  });
  const issuedAt = "2026-03-01T12:59:59.25+01:00";
  const event = verifier.verify(signedEvent({ issuedAt }, "B"));
  assert.equal(event.issuedAtMs, VECTORS_NOW_MS - 750);
  assert.equal(event.signedBy, "previous");
  assert.equal(
    verifier.verify(signedEvent({ nonce: "nonce-2" }, "A")).signedBy,
    "current",
  );
});

Deno.test("verify() takes a released event again, once", () => {
  const { verifier } = verifierFor({ current: "A" });
  const envelope = signedEvent();
  verifier.release(verifier.verify(envelope));
  verifier.verify(envelope);
  assert.equal(kindOf(() => verifier.verify(envelope)), "replay");
});

Deno.test("verify() refuses nonces that were known before a restart", () => {
  const window = new ReplayWindow([
    { nonce: "nonce-1", issuedAtMs: VECTORS_NOW_MS },
  ]);
  const { verifier } = verifierFor({ current: "A" }, window);
  assert.equal(kindOf(() => verifier.verify(signedEvent())), "replay");
});

Deno.test("verify() refuses an event again for as long as it is fresh", async () => {
  const { verifier, clock } = verifierFor({ current: "A" });
  const ahead = new Date(VECTORS_NOW_MS + 300_000).toISOString();
  const envelope = signedEvent({ issuedAt: ahead });
  verifier.verify(envelope);
  const kinds = new Set<string>();
  for (let minute = 0; minute < 10; minute++) {
    kinds.add(kindOf(() => verifier.verify(envelope)));
    await clock.advance(60_000);
    verifier.verify(signedEvent({
      issuedAt: new Date(clock.now()).toISOString(),
      nonce: `other-${minute}`,
    }));
  }
  assert.deepEqual([...kinds], ["replay"]);
  await clock.advance(1);
  assert.equal(kindOf(() => verifier.verify(envelope)), "stale");
});

Deno.test("verify() lets no event in twice when the clock jumps ahead and back", () => {
  const { verifier, clock } = verifierFor({ current: "A" });
  const envelope = signedEvent();
  verifier.verify(envelope);
  clock.jump(3_600_000);
  verifier.verify(signedEvent({
    issuedAt: new Date(clock.now()).toISOString(),
    nonce: "an hour later",
  }));
  clock.jump(-3_600_000);
  assert.equal(kindOf(() => verifier.verify(envelope)), "stale");
  const later = new Date(clock.now() + 1).toISOString();
  verifier.verify(signedEvent({ issuedAt: later, nonce: "nonce-2" }));
});

Deno.test("verify() refuses events no newer than what a full window dropped", () => {
  const window = new ReplayWindow([], { maxEntries: 2 });
  const { verifier } = verifierFor({ current: "A" }, window);
  const at = (second: number) =>
    signedEvent({
      issuedAt: new Date(VECTORS_NOW_MS + second * 1000).toISOString(),
      nonce: `nonce-${second}`,
    });
  for (const second of [1, 2, 3]) verifier.verify(at(second));
  assert.equal(kindOf(() => verifier.verify(at(1))), "stale");
  assert.equal(kindOf(() => verifier.verify(at(0))), "stale");
  assert.equal(kindOf(() => verifier.verify(at(2))), "replay");
});

Deno.test("verify() refuses a genuine event with any one bit of it flipped", () => {
  const { verifier, window } = verifierFor({ current: "A" });
  const { signature, ...signed } = signedEvent({ payload: '{"a":"bc"}' });
  const bytes = Uint8Array.fromBase64(signature);
  for (let bit = 0; bit < 512; bit++) {
    const forged = Uint8Array.from(bytes);
    forged[bit >> 3] = forged[bit >> 3]! ^ (1 << (bit & 7));
    const envelope = { ...signed, signature: forged.toBase64() };
    assert.equal(kindOf(() => verifier.verify(envelope)), "signature");
  }
  assert.equal(window.size, 0);
});

Deno.test("verify() refuses a genuine event with any character changed", () => {
  const { verifier } = verifierFor({ current: "A" });
  const genuine = signedEvent({ payload: '{"metadata":{"a":"b"},"v":1.0}' });
  const members = ["type", "id", "nonce", "payload"] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...members),
      fc.nat(),
      fc.constantFrom("0", "x", "<", "\\", "\u2028", ""),
      (member, place, put) => {
        const text = genuine[member];
        const at = place % text.length;
        const changed = text.slice(0, at) + put + text.slice(at + 1);
        if (changed === text) return;
        const envelope = { ...genuine, [member]: changed };
        assert.notEqual(kindOf(() => verifier.verify(envelope)), "accepted");
      },
    ),
  );
});
