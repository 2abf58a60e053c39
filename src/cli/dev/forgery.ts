import { generateKeyPairSync, sign } from "node:crypto";
import { encodeBase64 } from "../../wire/base64.ts";
import { signedText, signedText2 } from "../../wire/canonical.ts";
import type { Dialect } from "../../wire/dialect.ts";
import { parseEnvelope2 } from "../../wire/dialect2/parse_envelope2.ts";
import type { Envelope, Envelope2 } from "../../wire/envelope.ts";
import { parseEnvelope } from "../../wire/parse_envelope.ts";
import type { Frame } from "./hostile_proxy.ts";

/** What an attacker between agent and control plane can make of events. */
export interface Forger {
  /** An event that would wipe the node, signed with a key made on the spot. */
  forge(genuine: Frame, nowMs: number): Frame;
  /** A genuine event whose payload was changed on its way. */
  tamper(genuine: Frame): Frame;
  /** A genuine event as it would be brought back long after it was sent. */
  age(genuine: Frame, nowMs: number): Frame;
}

/** The attacker who speaks a dialect. */
export function forgerOf(dialect: Dialect): Forger {
  return dialect === 1
    ? forger(parseEnvelope, signedText, toFrame)
    : forger(parseEnvelope2, signedText2, toFrame2);
}

const OTHER_PAYLOAD = '{"metadata":{"owned":"yes"},"data":[]}';

function forger<E extends Envelope | Envelope2>(
  parse: (data: string) => E,
  textOf: (envelope: E) => string,
  frameOf: (envelope: E) => Frame,
): Forger {
  return {
    forge(genuine, nowMs) {
      const known = parse(genuine.data);
      const envelope = {
        ...known,
        id: "evt-forged",
        issuedAt: new Date(nowMs).toISOString(),
        payload: '{"metadata":{},"data":[]}',
        ...("nonce" in known ? { nonce: "nonce-forged" } : {}),
      };
      const { privateKey } = generateKeyPairSync("ed25519");
      const message = new TextEncoder().encode(textOf(envelope));
      const signature = encodeBase64(sign(null, message, privateKey));
      return frameOf({ ...envelope, signature });
    },
    tamper: (genuine) =>
      frameOf({
        ...parse(genuine.data),
        id: "evt-tampered",
        payload: OTHER_PAYLOAD,
      }),
    age: (genuine, nowMs) =>
      frameOf({
        ...parse(genuine.data),
        issuedAt: new Date(nowMs - 10 * 60_000).toISOString(),
      }),
  };
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

function toFrame2(envelope: Envelope2): Frame {
  const { type, id, scope, keyId, issuedAt, payload, signature } = envelope;
  return {
    data: `{"id":${JSON.stringify(id)}` +
      `,"type":${JSON.stringify(type)}` +
      `,"scope":${JSON.stringify(scope)}` +
      `,"key_id":${JSON.stringify(keyId)}` +
      `,"issued_at":${JSON.stringify(issuedAt)}` +
      `,"payload":${payload}` +
      `,"signature":${JSON.stringify(signature)}}`,
  };
}
