import { hash } from "node:crypto";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const SUM_LENGTH = 64;
const HEAD = `,"_sum":"`;
const TAIL = `"}\n`;
const OBJECT_END = 0x7d;
const SUFFIX_LENGTH = HEAD.length + SUM_LENGTH + TAIL.length;

/** A JSON object as it is stored, and its sum. */
export interface Summed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sum: string;
}

/** SHA-256 as 64 lower-case hex digits. */
export function sha256(content: string | Uint8Array): string {
  return hash("sha256", content);
}

/**
 * A JSON object's text with one more member, `_sum`: the SHA-256 of the text
 * without it.
 *
 * @param text A non-empty object without space after its last member.
 * @see design, section 4 "Durability", rule 4
 */
export function withSum(text: string): Summed {
  const sum = sha256(text);
  return { bytes: encoder.encode(text.slice(0, -1) + HEAD + sum + TAIL), sum };
}

/** The object's text without its sum, and the sum. */
export interface CheckedText {
  readonly text: string;
  readonly sum: string;
}

/**
 * Takes the sum off again.
 *
 * @returns undefined unless every single byte is as {@linkcode withSum} wrote it.
 */
export function checkSum(
  bytes: Uint8Array<ArrayBuffer>,
): CheckedText | undefined {
  const end = bytes.length - SUFFIX_LENGTH;
  if (end < 0) return undefined;
  // The object's own end, for a moment, where the sum begins: so that it is
  // hashed and decoded in one piece each, which is twice as fast.
  const body = bytes.subarray(0, end + 1);
  const first = body[end]!;
  try {
    const suffix = decoder.decode(bytes.subarray(end));
    body[end] = OBJECT_END;
    const sum = hash("sha256", body);
    if (suffix !== HEAD + sum + TAIL) return undefined;
    return { text: decoder.decode(body), sum };
  } catch {
    return undefined; // not UTF-8
  } finally {
    body[end] = first;
  }
}
