import { endOfString } from "../wire/raw_json.ts";
import { type DataEntry, encodeDataEntry } from "../wire/data_entry.ts";
import { checkSum, type Summed, withSum } from "./summed_json.ts";

const KEY = `{"key":`;
const CONTENT_TYPE = `,"content_type":`;
const PAYLOAD = `,"payload":`;
const VERSION = `,"version":`;
const UPDATED_AT = `,"updated_at":`;

/** The bytes of the file of one data or report entry; payload as it came. */
export function encodeEntryFile(entry: DataEntry): Summed {
  return withSum(encodeDataEntry(entry));
}

/** An entry and the sum that stood in its file. */
export interface StoredEntry {
  readonly entry: DataEntry;
  readonly sum: string;
}

/**
 * Reads one entry's file.
 *
 * The sum proves that {@linkcode encodeEntryFile} wrote the text, so the places
 * of the members are known, and a large payload is not parsed at start.
 *
 * @returns undefined unless every byte is as it was written.
 */
export function decodeEntryFile(
  bytes: Uint8Array<ArrayBuffer>,
): StoredEntry | undefined {
  const checked = checkSum(bytes);
  if (!checked?.text.startsWith(KEY)) return undefined;
  const { text, sum } = checked;
  const keyEnd = endOfString(text, KEY.length);
  const typeStart = keyEnd + CONTENT_TYPE.length;
  const typeEnd = endOfString(text, typeStart);
  // Quotes inside strings are escaped, so the last of these is the real one.
  const updatedAt = text.lastIndexOf(UPDATED_AT);
  const version = text.lastIndexOf(VERSION, updatedAt);
  if (version < typeEnd) return undefined;
  const entry = {
    key: textOf(text.slice(KEY.length, keyEnd)),
    contentType: textOf(text.slice(typeStart, typeEnd)),
    payload: text.slice(typeEnd + PAYLOAD.length, version),
    version: Number(text.slice(version + VERSION.length, updatedAt)),
    updatedAt: textOf(text.slice(updatedAt + UPDATED_AT.length, -1)),
  };
  return { entry: Object.freeze(entry), sum };
}

function textOf(json: string): string {
  // Most strings need no decoding.
  return json.includes("\\") ? String(JSON.parse(json)) : json.slice(1, -1);
}
