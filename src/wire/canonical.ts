import type { Envelope, Envelope2 } from "./envelope.ts";
import { endOfString } from "./raw_json.ts";
import { parseRfc3339 } from "./rfc3339.ts";

/** What Go's encoder escapes inside strings besides what JSON itself demands. */
const GO_ESCAPES = /[<>&\u2028\u2029]/g;

/**
 * The text of an event that its signature covers, in dialect 1; its UTF-8 bytes
 * are what is signed.
 *
 * The payload goes in as the text it was received as, never parsed and written
 * again: that would change numbers, escapes and duplicate members.
 *
 * @throws {RangeError} when `issuedAt` is not RFC 3339 text.
 * @see docs/wire.md, section b.2
 */
export function signedText(envelope: Omit<Envelope, "signature">): string {
  return `{"event_type":${goString(envelope.type)}` +
    `,"event_id":${goString(envelope.id)}` +
    `,"issued_at":"${signedTime(envelope.issuedAt)}"` +
    `,"nonce":${goString(envelope.nonce)}` +
    `,"payload":${signedPayload(envelope.payload)}}`;
}

/**
 * The text of an event that its signature covers, in dialect 2.
 *
 * @throws {RangeError} when `issuedAt` is not RFC 3339 text.
 * @see docs/wire.md, section h.8
 */
export function signedText2(event: Omit<Envelope2, "signature">): string {
  return `{"id":${goString(event.id)}` +
    `,"type":${goString(event.type)}` +
    `,"scope":${goString(event.scope)}` +
    `,"key_id":${goString(event.keyId)}` +
    `,"issued_at":"${signedTime(event.issuedAt)}"` +
    `,"payload":${signedPayload(event.payload)}}`;
}

function signedTime(issuedAt: string): string {
  const time = parseRfc3339(issuedAt);
  if (time) return time.canonical;
  throw new RangeError("Cannot form signed text: issued_at is not RFC 3339");
}

function signedPayload(raw: string): string {
  return escapeForGo(dropSpace(raw));
}

/** Text that stands in JSON as it is: nothing in it is escaped by anybody. */
const PLAIN = /^[ !#-%'-;=?-[\]-~]*$/;

/** A JSON string as Go writes it. A lone surrogate becomes U+FFFD. */
function goString(text: string): string {
  // As nearly every id, nonce and type is.
  if (PLAIN.test(text)) return `"${text}"`;
  return escapeForGo(JSON.stringify(text.toWellFormed()));
}

/** These characters can only stand inside strings, so position does not matter. */
function escapeForGo(json: string): string {
  return json.replace(
    GO_ESCAPES,
    (found) => "\\u" + found.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** Drops white space outside the strings of a JSON text. */
export function dropSpace(json: string): string {
  if (!/[ \t\r\n]/.test(json)) return json;
  let kept = "";
  let from = 0; // start of the piece that is kept as it is
  for (let at = 0; at < json.length;) {
    const code = json.charCodeAt(at);
    if (code === 0x22) {
      at = endOfString(json, at);
      continue;
    }
    at++;
    if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      kept += json.slice(from, at - 1);
      from = at;
    }
  }
  return kept + json.slice(from);
}
