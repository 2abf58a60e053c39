import { eachMember } from "./raw_json.ts";
import { parseRfc3339 } from "./rfc3339.ts";

/**
 * The data of a stream message is no envelope. `kind` says what is wrong:
 * "json" for anything about its form, else the member that is missing.
 */
export class MalformedEnvelopeError extends Error {
  override readonly name = "MalformedEnvelopeError";
  readonly kind: "json" | "event_type" | "event_id" | "type" | "id";

  constructor(kind: MalformedEnvelopeError["kind"], message: string) {
    super(`Malformed envelope: ${message}`);
    this.kind = kind;
  }
}

/** The members of an envelope, as raw text and decoded where they are strings. */
export interface EnvelopeMembers {
  /** Empty when the member is missing or null, as in Go. */
  text(name: string): string;
  /** The same, but refused when it is empty. */
  needed(name: "event_type" | "event_id" | "type" | "id"): string;
  /** Empty when missing; refused when it is there, but no RFC 3339 text. */
  readonly issuedAt: string;
  /** Raw JSON text; `null` when missing. */
  readonly payload: string;
}

/**
 * Slices the members of an envelope out of the text of a stream message.
 *
 * Unknown members are ignored. Two members of one name, in whatever case, are
 * refused: readers differ in which of them they take, so what one of them
 * verified another could read differently.
 *
 * @param names The dialect's members, exactly as they must be spelled.
 * @throws {MalformedEnvelopeError}
 */
export function envelopeMembers(
  data: string,
  names: ReadonlySet<string>,
): EnvelopeMembers {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new MalformedEnvelopeError("json", "not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MalformedEnvelopeError("json", "not an object");
  }
  const members = value as Readonly<Record<string, unknown>>;
  const payload = rawPayload(data, names);
  const text = (name: string) => textOf(members, name);
  const issuedAt = text("issued_at");
  const hasTime = (members["issued_at"] ?? null) !== null;
  if (hasTime && !parseRfc3339(issuedAt)) {
    throw new MalformedEnvelopeError("json", "issued_at is not RFC 3339");
  }
  return {
    text,
    needed(name) {
      const found = text(name);
      if (found !== "") return found;
      throw new MalformedEnvelopeError(name, `${name} is missing`);
    },
    issuedAt,
    payload,
  };
}

/**
 * The payload as it was received; `null` when it is missing.
 *
 * @throws {MalformedEnvelopeError} when two members share a name: with none
 * that do, a decoded member is the one that stands in the text.
 */
function rawPayload(data: string, names: ReadonlySet<string>): string {
  let payload = "null";
  const seen = new Set<string>();
  eachMember(data, (name, raw) => {
    const folded = names.has(name) ? name : foldCase(name);
    if (seen.has(folded)) {
      throw new MalformedEnvelopeError("json", "a member stands twice");
    }
    if (folded !== name && names.has(folded)) {
      throw new MalformedEnvelopeError("json", "a member in another case");
    }
    seen.add(folded);
    if (name === "payload") payload = raw;
  });
  return payload;
}

/** Upper case first: only so does the long s, which Go takes for an s, become one. */
function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/** Ids and nonces are kept, thousands of them: more than this names nothing. */
const MAX_TEXT_LENGTH = 1_024;

function textOf(
  members: Readonly<Record<string, unknown>>,
  name: string,
): string {
  const value = members[name] ?? null;
  if (value === null) return "";
  if (typeof value !== "string") {
    throw new MalformedEnvelopeError("json", `${name} is not a string`);
  }
  if (value.length > MAX_TEXT_LENGTH) {
    throw new MalformedEnvelopeError("json", `${name} is too long`);
  }
  // Two texts that are signed as one are one: a lone surrogate is U+FFFD.
  return value.toWellFormed();
}
