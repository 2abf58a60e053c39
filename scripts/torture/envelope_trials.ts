import assert from "node:assert/strict";
import { eventReader } from "../../src/trust/event_reader.ts";
import { Keyring } from "../../src/trust/keyring.ts";
import { RejectedEventError } from "../../src/trust/rejected_event_error.ts";
import { ReplayWindow } from "../../src/trust/replay_window.ts";
import { signedText, signedText2 } from "../../src/wire/canonical.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import { parseEnvelope2 } from "../../src/wire/dialect2/parse_envelope2.ts";
import { MalformedEnvelopeError } from "../../src/wire/envelope_members.ts";
import { parseEnvelope } from "../../src/wire/parse_envelope.ts";
import { rawMembers } from "../../src/wire/raw_json.ts";
import { FakeClock } from "../../tests/fakes/fake_clock.ts";
import { publicKeyOf } from "../../tests/trust/signers.ts";
import { vectors, VECTORS_NOW_MS } from "../../tests/vectors/load.ts";
import { type ParserTrial, textTrial } from "./parser_trial.ts";

/** One name for it everywhere, as the vectors of dialect 2 have it. */
const KEY_ID = vectors.envelopes_dialect2[0]!.keys.current.key_id;

/**
 * Signed events of both dialects. What the signature covers says the same as
 * what was received, and nothing verifies but what was signed.
 */
export function envelopeTrials(): ParserTrial[] {
  return ([1, 2] as const).map((dialect) => {
    const group = dialect === 1
      ? vectors.envelopes_dialect1
      : vectors.envelopes_dialect2;
    const samples = group.filter(({ expect }) => expect === "accept")
      .map(({ wire_data }) => wire_data);
    const signed = new Set(samples.map((text) => coveredBy(dialect, text)));
    const reader = eventReader(dialect, {
      keyring: new Keyring({
        current: publicKeyOf("A"),
        currentId: KEY_ID,
        retired: [],
        signedChange: false,
      }),
      replayWindow: new ReplayWindow(),
      clock: new FakeClock(VECTORS_NOW_MS),
    });
    return textTrial({
      name: `events of dialect ${dialect}`,
      samples,
      parse: (text) => coveredBy(dialect, text),
      refusals: [MalformedEnvelopeError],
      check(covered, text) {
        const names = rawMembers(text).map(([name]) => name.toLowerCase());
        assert.equal(
          new Set(names).size,
          names.length,
          "a member stands twice",
        );
        if (covered !== undefined) assertSaysTheSame(covered, text);
        try {
          const event = reader.read(text);
          assert.ok(signed.has(covered), "it verifies, and nobody signed it");
          reader.release(event);
        } catch (error) {
          if (!(error instanceof RejectedEventError)) throw error;
        }
      },
    });
  });
}

/** What the signature of an envelope is to cover; nothing without its time. */
function coveredBy(dialect: Dialect, text: string): string | undefined {
  if (dialect === 1) {
    const envelope = parseEnvelope(text);
    return envelope.issuedAt === "" ? undefined : signedText(envelope);
  }
  const envelope = parseEnvelope2(text);
  return envelope.issuedAt === "" ? undefined : signedText2(envelope);
}

function assertSaysTheSame(covered: string, text: string) {
  const payload = (json: string) =>
    JSON.stringify(JSON.parse(json).payload ?? null);
  assert.equal(payload(covered), payload(text));
}
