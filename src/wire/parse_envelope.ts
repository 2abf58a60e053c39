import type { Envelope } from "./envelope.ts";
import { rawMembers } from "./raw_json.ts";
import { parseRfc3339 } from "./rfc3339.ts";

/**
 * The data of a stream message is no envelope. `kind` says what is wrong:
 * "json" for anything about its form, else the member that is missing.
 */
export class MalformedEnvelopeError extends Error {
  override readonly name = "MalformedEnvelopeError";
  readonly kind: "json" | "event_type" | "event_id";

  constructor(kind: MalformedEnvelopeError["kind"], message: string) {
    super(`Malformed envelope: ${message}`);
    this.kind = kind;
  }
}

/** Members of an envelope whose value is a string. */
const TEXT_MEMBERS = [
  "event_type",
  "event_id",
  "issued_at",
  "nonce",
  "signature",
] as const;
type TextMember = typeof TEXT_MEMBERS[number];

const MEMBERS: ReadonlySet<string> = new Set([...TEXT_MEMBERS, "payload"]);

/**
 * Reads the data of one stream message in dialect 1. Nothing about it is
 * trusted yet.
 *
 * Unknown members are ignored. Two members of one name, in whatever case, are
 * refused: readers differ in which of them they take, so what one of them
 * verified another could read differently.
 *
 * @throws {MalformedEnvelopeError}
 * @see docs/wire.md, section b.1
 */
export function parseEnvelope(data: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new MalformedEnvelopeError("json", "not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MalformedEnvelopeError("json", "not an object");
  }
  const raw = uniqueMembers(data);
  const envelope = {
    type: textOf(raw, "event_type"),
    id: textOf(raw, "event_id"),
    issuedAt: textOf(raw, "issued_at"),
    nonce: textOf(raw, "nonce"),
    payload: raw.get("payload") ?? "null",
    signature: textOf(raw, "signature"),
  };
  const issuedAt = raw.get("issued_at") ?? "null";
  if (issuedAt !== "null" && !parseRfc3339(envelope.issuedAt)) {
    throw new MalformedEnvelopeError("json", "issued_at is not RFC 3339");
  }
  if (envelope.type === "") {
    throw new MalformedEnvelopeError("event_type", "event_type is missing");
  }
  if (envelope.id === "") {
    throw new MalformedEnvelopeError("event_id", "event_id is missing");
  }
  return envelope;
}

function uniqueMembers(data: string): Map<string, string> {
  const raw = new Map<string, string>();
  const seen = new Set<string>();
  for (const [name, text] of rawMembers(data)) {
    const folded = MEMBERS.has(name) ? name : foldCase(name);
    if (seen.has(folded)) {
      throw new MalformedEnvelopeError("json", "a member stands twice");
    }
    if (folded !== name && MEMBERS.has(folded)) {
      throw new MalformedEnvelopeError("json", "a member in another case");
    }
    seen.add(folded);
    raw.set(name, text);
  }
  return raw;
}

/** Upper case first: only so does the long s, which Go takes for an s, become one. */
function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/** The text of a member; empty when it is missing or null, as in Go. */
function textOf(raw: ReadonlyMap<string, string>, name: TextMember): string {
  const text = raw.get(name) ?? "null";
  if (text === "null") return "";
  const value: unknown = JSON.parse(text);
  if (typeof value !== "string") {
    throw new MalformedEnvelopeError("json", `${name} is not a string`);
  }
  // Two texts that are signed as one are one: a lone surrogate is U+FFFD.
  return value.toWellFormed();
}
