import { rawMembers } from "./raw_json.ts";
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
  const raw = uniqueMembers(data, names);
  const text = (name: string) => textOf(raw, name);
  const issuedAt = text("issued_at");
  const hasTime = (raw.get("issued_at") ?? "null") !== "null";
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
    payload: raw.get("payload") ?? "null",
  };
}

function uniqueMembers(
  data: string,
  names: ReadonlySet<string>,
): Map<string, string> {
  const raw = new Map<string, string>();
  const seen = new Set<string>();
  for (const [name, text] of rawMembers(data)) {
    const folded = names.has(name) ? name : foldCase(name);
    if (seen.has(folded)) {
      throw new MalformedEnvelopeError("json", "a member stands twice");
    }
    if (folded !== name && names.has(folded)) {
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

function textOf(raw: ReadonlyMap<string, string>, name: string): string {
  const text = raw.get(name) ?? "null";
  if (text === "null") return "";
  const value: unknown = JSON.parse(text);
  if (typeof value !== "string") {
    throw new MalformedEnvelopeError("json", `${name} is not a string`);
  }
  // Two texts that are signed as one are one: a lone surrogate is U+FFFD.
  return value.toWellFormed();
}
