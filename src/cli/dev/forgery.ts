import { generateKeyPairSync, sign } from "node:crypto";
import { encodeBase64 } from "../../wire/base64.ts";
import { signedText } from "../../wire/canonical.ts";
import type { Envelope } from "../../wire/envelope.ts";
import { parseEnvelope } from "../../wire/parse_envelope.ts";
import type { Frame } from "./hostile_proxy.ts";

/** An event that would wipe the node, signed with a key made on the spot. */
export function forge(nowMs: number): Frame {
  const unsigned = {
    type: "node_state_updated",
    id: "evt-forged",
    issuedAt: new Date(nowMs).toISOString(),
    nonce: "nonce-forged",
    payload: '{"metadata":{},"data":[]}',
  };
  const { privateKey } = generateKeyPairSync("ed25519");
  const signature = sign(
    null,
    new TextEncoder().encode(signedText(unsigned)),
    privateKey,
  );
  return toFrame({ ...unsigned, signature: encodeBase64(signature) });
}

/** A genuine event whose payload was changed on its way. */
export function tamper(genuine: Frame): Frame {
  const envelope = parseEnvelope(genuine.data);
  return toFrame({
    ...envelope,
    id: `${envelope.id}-tampered`,
    nonce: `${envelope.nonce}-tampered`,
    payload: '{"metadata":{"owned":"yes"}}',
  });
}

/** A genuine event as an attacker would bring it back long after it was sent. */
export function age(genuine: Frame, nowMs: number): Frame {
  const envelope = parseEnvelope(genuine.data);
  const issuedAt = new Date(nowMs - 10 * 60_000).toISOString();
  return toFrame({ ...envelope, issuedAt });
}

function toFrame(envelope: Envelope): Frame {
  const { type, id, issuedAt, nonce, payload, signature } = envelope;
  return {
    data: `{"event_type":${JSON.stringify(type)}` +
      `,"event_id":${JSON.stringify(id)}` +
      `,"issued_at":${JSON.stringify(issuedAt)}` +
      `,"nonce":${JSON.stringify(nonce)}` +
      `,"payload":${payload}` +
      `,"signature":${JSON.stringify(signature)}}`,
  };
}
