import { decodeSegment } from "./request_target.ts";

/** So that any key fits into a request line and into every index. */
const LONGEST_KEY_BYTES = 255;

/** Keys that start so are the agent's own. */
const RESERVED_PREFIX = "plexd.";

const encoder = new TextEncoder();

/**
 * The report key that a path segment names.
 *
 * @returns undefined for one that no report can have.
 * @see docs/wire.md, section f.5
 */
export function parseReportKey(segment: string): string | undefined {
  const key = decodeSegment(segment);
  if (key === undefined || key === "" || key === "." || key === "..") {
    return undefined;
  }
  if (/[/\\\0]/.test(key) || !key.isWellFormed()) return undefined;
  // Cheap first: a text has at least as many bytes as it has units.
  if (key.length > LONGEST_KEY_BYTES) return undefined;
  return encoder.encode(key).length > LONGEST_KEY_BYTES ? undefined : key;
}

/** Whether local programs may only read the report of this key. */
export function isReserved(key: string): boolean {
  return key.startsWith(RESERVED_PREFIX);
}
