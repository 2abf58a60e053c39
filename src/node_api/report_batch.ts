import { parseFirstValue, rawElements, rawMembers } from "../wire/raw_json.ts";
import type { ApiPutCondition, ApiReportWrite } from "./ports.ts";
import { contentIn, ReportBodyError } from "./report_body.ts";
import { isReportKey, isReserved } from "./report_key.ts";

/** Most reports of one batch: as many as go upstream in one call. */
export const MOST_REPORTS = 500;

/** One report of a batch cannot be written; `message` is the answer's text. */
export class BatchEntryError extends Error {
  override readonly name = "BatchEntryError";

  constructor(
    message: string,
    /** Which one: its key, or its place in the batch where it has none. */
    readonly where: { readonly key: string } | { readonly index: number },
  ) {
    super(message);
  }
}

/**
 * Reads the document of a batch: `reports`, an array of objects with `key`, the
 * members of a single PUT, and `if_match` or `create_only` where they are
 * wanted. Unknown members, and text after the document, are ignored.
 *
 * @throws {ReportBodyError} kind "invalid" when it is none.
 * @throws {BatchEntryError} for the first report that cannot be written.
 */
export function parseReportBatch(bytes: Uint8Array): ApiReportWrite[] {
  const entries = entriesIn(bytes);
  const keys = new Set<string>();
  return entries.map((raw, index) => {
    const members = membersOf(raw);
    const key = valueIn(members, "key");
    if (typeof key !== "string") {
      throw new BatchEntryError("key is required", { index });
    }
    if (!isReportKey(key) || isReserved(key)) {
      // A key that cannot be is not repeated: it may be of any length.
      const where = { index };
      throw new BatchEntryError("invalid report key", where);
    }
    try {
      if (keys.has(key)) {
        throw new ReportBodyError("invalid", "key must be given once");
      }
      keys.add(key);
      return {
        key,
        content: contentIn(members),
        condition: conditionIn(members),
      };
    } catch (error) {
      if (!(error instanceof ReportBodyError)) throw error;
      throw new BatchEntryError(error.message, { key });
    }
  });
}

function entriesIn(bytes: Uint8Array): string[] {
  let raw: string;
  let value: unknown;
  try {
    ({ raw, value } = parseFirstValue(utf8.decode(bytes)));
  } catch {
    throw new ReportBodyError("invalid", "invalid JSON body");
  }
  const isObject = typeof value === "object" && value !== null &&
    !Array.isArray(value);
  const reports = isObject ? new Map(rawMembers(raw)).get("reports") : "";
  const list: unknown = reports ? JSON.parse(reports) : undefined;
  if (!reports || !Array.isArray(list)) {
    throw new ReportBodyError("invalid", "reports must be a list");
  }
  if (list.length < 1 || list.length > MOST_REPORTS) {
    const message = `reports must be 1 to ${MOST_REPORTS}`;
    throw new ReportBodyError("invalid", message);
  }
  return rawElements(reports);
}

function membersOf(raw: string): ReadonlyMap<string, string> {
  return new Map(raw.startsWith("{") ? rawMembers(raw) : []);
}

function conditionIn(members: ReadonlyMap<string, string>): ApiPutCondition {
  const ifMatch = valueIn(members, "if_match") ?? undefined;
  const createOnly = valueIn(members, "create_only") ?? false;
  if (ifMatch !== undefined && !Number.isSafeInteger(ifMatch)) {
    throw new ReportBodyError("invalid", "if_match must be an integer");
  }
  if (typeof createOnly !== "boolean") {
    throw new ReportBodyError("invalid", "create_only must be true or false");
  }
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: Number(ifMatch) }),
    createOnly,
  };
}

function valueIn(members: ReadonlyMap<string, string>, name: string): unknown {
  const raw = members.get(name);
  return raw === undefined ? undefined : JSON.parse(raw);
}

/** Strict, and a byte order mark stays: neither is JSON. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
