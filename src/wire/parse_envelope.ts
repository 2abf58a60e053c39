import type { Envelope } from "./envelope.ts";
import { envelopeMembers } from "./envelope_members.ts";

const MEMBERS: ReadonlySet<string> = new Set([
  "event_type",
  "event_id",
  "issued_at",
  "nonce",
  "payload",
  "signature",
]);

/**
 * Reads the data of one stream message in dialect 1. Nothing about it is
 * trusted yet.
 *
 * @throws {MalformedEnvelopeError}
 * @see docs/wire.md, section b.1
 */
export function parseEnvelope(data: string): Envelope {
  const members = envelopeMembers(data, MEMBERS);
  // All are read before any is missed: a wrong type is the worse fault.
  const nonce = members.text("nonce");
  const signature = members.text("signature");
  return {
    type: members.needed("event_type"),
    id: members.needed("event_id"),
    issuedAt: members.issuedAt,
    nonce,
    payload: members.payload,
    signature,
  };
}
