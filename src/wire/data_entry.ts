import * as z from "zod/mini";
import { detached, rawMemberOfEach } from "./raw_json.ts";
import { checkShape, ShapeError } from "./shape_error.ts";

/** A versioned value of a node. `payload` is raw JSON text, kept byte for byte. */
export interface DataEntry {
  readonly key: string;
  readonly contentType: string;
  readonly payload: string;
  readonly version: number;
  /** RFC 3339 text as received. */
  readonly updatedAt: string;
}

/** Keys and versions of data entries and secrets. */
export const keySchema = z.string().check(z.minLength(1), z.maxLength(1024));
export const versionSchema = z.int().check(z.nonnegative());

export const dataEntrySchema = z.object({
  key: keySchema,
  content_type: z.string(),
  payload: z.unknown(),
  version: versionSchema,
  updated_at: z.string(),
});

/** One data or report entry as JSON text, its payload untouched, in wire order. */
export function encodeDataEntry(entry: DataEntry): string {
  return `{"key":${JSON.stringify(entry.key)}` +
    `,"content_type":${JSON.stringify(entry.contentType)}` +
    `,"payload":${entry.payload}` +
    `,"version":${entry.version}` +
    `,"updated_at":${JSON.stringify(entry.updatedAt)}}`;
}

/**
 * Reads entries of the shape of {@linkcode DataEntry} from a JSON array's text.
 *
 * @throws {ShapeError} for a wrong shape or a key that stands twice.
 */
export function parseDataEntries(what: string, text: string): DataEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ShapeError(`Invalid ${what}: not JSON`);
  }
  return dataEntriesFrom(
    text,
    checkShape(what, z.array(dataEntrySchema), value),
  );
}

/**
 * Entries that have been checked, with their payloads sliced out of the text.
 *
 * @param raw The array's text; undefined where the member is missing.
 * @throws {ShapeError} for a key that stands twice.
 */
export function dataEntriesFrom(
  raw: string | undefined,
  entries: readonly z.infer<typeof dataEntrySchema>[],
): DataEntry[] {
  if (entries.length === 0) return [];
  const payloads = rawMemberOfEach(raw ?? "[]", "payload");
  return uniqueByKey(
    "data",
    entries.map((entry, at) => ({
      key: entry.key,
      contentType: entry.content_type,
      payload: detached(payloads[at] ?? "null"),
      version: entry.version,
      updatedAt: entry.updated_at,
    })),
  );
}

/** @throws {ShapeError} when two items have the same key. */
export function uniqueByKey<E extends { readonly key: string }>(
  what: string,
  entries: readonly E[],
): E[] {
  const keys = new Set(entries.map((entry) => entry.key));
  if (keys.size < entries.length) {
    throw new ShapeError(`Invalid ${what}: a key stands twice`);
  }
  return [...entries];
}
