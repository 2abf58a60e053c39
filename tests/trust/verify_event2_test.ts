import assert from "node:assert/strict";
import fc from "fast-check";
import { Keyring } from "../../src/trust/keyring.ts";
import { RejectedEventError } from "../../src/trust/rejected_event_error.ts";
import { EventVerifier2 } from "../../src/trust/verify_event2.ts";
import { signedText2 } from "../../src/wire/canonical.ts";
import { parseEnvelope2 } from "../../src/wire/dialect2/parse_envelope2.ts";
import { MalformedEnvelopeError } from "../../src/wire/envelope_members.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { vectors, VECTORS_NOW_MS } from "../vectors/load.ts";
import { publicKeyOf, type SignerName } from "./signers.ts";

interface NamedKey {
  readonly key_id: string;
  readonly key: string;
}

interface VectorKeys {
  readonly current: NamedKey;
  readonly previous?: NamedKey | undefined;
  readonly transition_expires?: string | undefined;
}

function verifierFor({ current, previous, transition_expires }: VectorKeys) {
  const keyring = new Keyring({
    current: publicKeyOf(current.key as SignerName),
    currentId: current.key_id,
    ...(previous
      ? {
        previous: publicKeyOf(previous.key as SignerName),
        previousId: previous.key_id,
      }
      : {}),
    ...(transition_expires
      ? { transitionExpiresMs: Date.parse(transition_expires) }
      : {}),
    retired: [],
    signedChange: false,
  });
  return new EventVerifier2({ keyring, clock: new FakeClock(VECTORS_NOW_MS) });
}

/** "accept", or "reject: kind", or "malformed: kind". */
function outcomeOf(keys: VectorKeys, data: string): string {
  try {
    verifierFor(keys).verify(parseEnvelope2(data));
    return "accept";
  } catch (error) {
    if (error instanceof RejectedEventError) return `reject: ${error.kind}`;
    if (error instanceof MalformedEnvelopeError) {
      return `malformed: ${error.kind}`;
    }
    throw error;
  }
}

Deno.test("the vectors hold 17 envelopes of dialect 2", () => {
  assert.equal(vectors.envelopes_dialect2.length, 17);
});

for (const vector of vectors.envelopes_dialect2) {
  Deno.test(`dialect 2: verify() ends as in vector ${vector.name}`, () => {
    const { expect, reason } = vector;
    assert.equal(
      outcomeOf(vector.keys, vector.wire_data),
      reason === undefined ? expect : `${expect}: ${reason}`,
    );
  });
}

Deno.test("dialect 2: a verified event tells whom it is for, and has no nonce", () => {
  const vector = vectors.envelopes_dialect2[0]!;
  const verifier = verifierFor(vector.keys);
  const event = verifier.verify(parseEnvelope2(vector.wire_data));
  assert.equal(event.scope, "node:0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2");
  assert.equal(event.nonce, undefined);
  assert.equal(event.signedBy, "current");
});

Deno.test("dialect 2: an event of an unknown key tells what it calls that key", () => {
  const { keys, wire_data } = vectors.envelopes_dialect2[0]!;
  const other = { current: { ...keys.current, key_id: "another" } };
  assert.throws(
    () => verifierFor(other).verify(parseEnvelope2(wire_data)),
    { kind: "unknown_key_id", keyId: keys.current.key_id },
  );
});

Deno.test("dialect 2: no changed character of an accepted event is accepted", () => {
  const vector = vectors.envelopes_dialect2[0]!;
  const data = vector.wire_data;
  fc.assert(
    fc.property(
      fc.nat(data.length - 1),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      (at, char) => {
        const changed = data.slice(0, at) + char + data.slice(at + 1);
        if (changed === data) return;
        const outcome = outcomeOf(vector.keys, changed);
        if (outcome !== "accept") return;
        // Only what decodes to the very same event may pass: white space, escapes.
        assert.equal(
          signedText2(parseEnvelope2(changed)),
          signedText2(parseEnvelope2(data)),
        );
      },
    ),
  );
});

Deno.test("dialect 2: the other dialect's envelope is malformed", () => {
  const data = vectors.envelopes_dialect1[0]!.wire_data;
  assert.throws(() => parseEnvelope2(data), MalformedEnvelopeError);
});
