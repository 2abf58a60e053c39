import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { sha256 } from "./summed_json.ts";

/** That an event was taken, and all of its effect is durable. */
export interface Receipt {
  readonly eventId: string;
  readonly type: string;
  /** Absent in dialect 2. */
  readonly nonce?: string;
  /** Ms since the Unix epoch. */
  readonly issuedAtMs: number;
  /** Where the stream goes on after it; absent when the message had no id. */
  readonly cursor?: string;
  /** What brought it. @default the event stream */
  readonly carrier?: "nats";
}

/** What holds after all lines so far, whatever those lines say. */
export interface ReceiptSummary {
  readonly cursor: string | null;
  /** Latest time of issue of each type of event, ms since the Unix epoch. */
  readonly issued: readonly (readonly [type: string, ms: number])[];
}

export type LogRecord =
  | { readonly receipt: Receipt }
  | { readonly summary: ReceiptSummary };

/** A log as it was read. */
export interface ReadLog {
  readonly records: readonly LogRecord[];
  /** Where the next line goes. */
  readonly end: number;
  /** What is wrong with the bytes; undefined when nothing is. */
  readonly fault?: string;
}

/** Logs are a whole number of these long, filled up with zeros. */
const BLOCK = 64 * 1024;

const SUM_LENGTH = 16;

const recordSchema = z.union([
  z.object({
    id: z.string(),
    type: z.string(),
    nonce: z.optional(z.string()),
    issued: z.number(),
    cursor: z.optional(z.string()),
    carrier: z.optional(z.literal("nats")),
  }),
  z.object({
    cursor: z.nullable(z.string()),
    issued_by_type: z.array(z.tuple([z.string(), z.number()])),
  }),
]);

const headerSchema = z.object({ format: z.literal(1), size: z.int() });

/** A log that has just been made. */
export interface NewLog {
  readonly bytes: Uint8Array;
  /** Where the next line goes. */
  readonly end: number;
}

/** One line per record, each with its own sum. */
export function encodeRecords(records: readonly LogRecord[]): Uint8Array {
  return new TextEncoder().encode(records.map(lineOf).join(""));
}

/**
 * A log of its full length at once. Its first line says how long it is, so a
 * piece that is cut off is missed, and a line that is added later changes no
 * length: that makes its sync cheaper.
 */
export function newLog(
  records: readonly LogRecord[],
): NewLog {
  const lines = encodeRecords(records);
  const size = BLOCK * Math.ceil((2 * lines.length + BLOCK) / BLOCK);
  const header = new TextEncoder().encode(
    line(JSON.stringify({ format: 1, size })),
  );
  const bytes = new Uint8Array(size);
  bytes.set(header);
  bytes.set(lines, header.length);
  return { bytes, end: header.length + lines.length };
}

/** Reads a log. Lines that are damaged are left out, the others count. */
export function readLog(bytes: Uint8Array): ReadLog {
  const zero = bytes.indexOf(0);
  const end = zero < 0 ? bytes.length : zero;
  const records: LogRecord[] = [];
  const faults: string[] = [];
  const lines = new TextDecoder().decode(bytes.subarray(0, end)).split("\n");
  if (lines.pop() !== "") faults.push("a line is torn");
  if (!hasSize(lines.shift() ?? "", bytes.length)) faults.push("wrong length");
  for (const text of lines) {
    const record = recordOf(text);
    if (record) records.push(record);
    else faults.push("a line is damaged");
  }
  if (bytes.subarray(end).some((byte) => byte !== 0)) {
    faults.push("something follows its end");
  }
  const fault = faults[0];
  return fault === undefined ? { records, end } : { records, end, fault };
}

function lineOf(record: LogRecord): string {
  if ("summary" in record) {
    const { cursor, issued } = record.summary;
    return line(JSON.stringify({ cursor, issued_by_type: issued }));
  }
  const { eventId: id, type, nonce, issuedAtMs: issued, cursor, carrier } =
    record.receipt;
  return line(JSON.stringify({ id, type, nonce, issued, cursor, carrier }));
}

function line(json: string): string {
  return `${sha256(json).slice(0, SUM_LENGTH)} ${json}\n`;
}

/** The text of a line, unless it is damaged. */
function checked(text: string): string | undefined {
  const json = text.slice(SUM_LENGTH + 1);
  return line(json) === text + "\n" ? json : undefined;
}

function hasSize(header: string, size: number): boolean {
  const json = checked(header);
  if (json === undefined) return false;
  try {
    return parseShape("log header", headerSchema, json).size === size;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
}

function recordOf(text: string): LogRecord | undefined {
  const json = checked(text);
  if (json === undefined) return undefined;
  try {
    const value = parseShape("log line", recordSchema, json);
    if ("issued_by_type" in value) {
      const { cursor, issued_by_type: issued } = value;
      return { summary: { cursor, issued } };
    }
    const { id, type, nonce, issued, cursor, carrier } = value;
    return {
      receipt: {
        eventId: id,
        type,
        ...(nonce === undefined ? {} : { nonce }),
        issuedAtMs: issued,
        ...(cursor === undefined ? {} : { cursor }),
        ...(carrier === undefined ? {} : { carrier }),
      },
    };
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
}
