import type { Envelope2 } from "../envelope.ts";
import { envelopeMembers } from "../envelope_members.ts";

const MEMBERS: ReadonlySet<string> = new Set([
  "id",
  "type",
  "scope",
  "key_id",
  "issued_at",
  "payload",
  "signature",
]);

/**
 * Reads the data of one stream message in dialect 2. Nothing about it is
 * trusted yet.
 *
 * @throws {MalformedEnvelopeError}
 * @see docs/wire.md, section h.8
 */
export function parseEnvelope2(data: string): Envelope2 {
  const members = envelopeMembers(data, MEMBERS);
  const scope = members.text("scope");
  const keyId = members.text("key_id");
  const signature = members.text("signature");
  return {
    type: members.needed("type"),
    id: members.needed("id"),
    scope,
    keyId,
    issuedAt: members.issuedAt,
    payload: members.payload,
    signature,
  };
}
