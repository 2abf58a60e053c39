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
  return key !== undefined && isReportKey(key) ? key : undefined;
}

/** Whether a report can have this key. */
export function isReportKey(key: string): boolean {
  if (key === "" || key === "." || key === "..") return false;
  if (/[/\\\0]/.test(key) || !key.isWellFormed()) return false;
  // Cheap first: a text has at least as many bytes as it has units.
  return key.length <= LONGEST_KEY_BYTES &&
    encoder.encode(key).length <= LONGEST_KEY_BYTES;
}

/** Whether local programs may only read the report of this key. */
export function isReserved(key: string): boolean {
  return key.startsWith(RESERVED_PREFIX);
}
