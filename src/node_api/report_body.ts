import type { Clock } from "../platform/clock.ts";
import { BODY_TIMEOUT_MS } from "./guard/limits.ts";
import { parseFirstValue, rawMembers } from "../wire/raw_json.ts";

/** Most bytes of a request body. */
export const LARGEST_BODY_BYTES = 1_048_576;

/** What a PUT writes; `payload` is JSON text exactly as it was sent. */
export interface ReportContent {
  readonly contentType: string;
  readonly payload: string;
}

/** A request body cannot be used; `message` is the answer's text. */
export class ReportBodyError extends Error {
  override readonly name = "ReportBodyError";
  readonly kind: "too_large" | "too_late" | "invalid";

  constructor(kind: ReportBodyError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Reads a body without ever holding more than the largest one.
 *
 * @throws {ReportBodyError} kind "too_large"; "too_late" when it has not come
 * whole after {@linkcode BODY_TIMEOUT_MS}; or "invalid" when the body breaks
 * off or `stop` aborts.
 */
export async function readBody(
  request: Request,
  stop: AbortSignal,
  clock: Clock,
): Promise<Uint8Array> {
  // The declared length is a courtesy; what arrives is counted all the same.
  if (Number(request.headers.get("content-length")) > LARGEST_BODY_BYTES) {
    await request.body?.cancel().catch(() => {});
    throw tooLarge();
  }
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  stop.addEventListener("abort", cancel, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  const over = new AbortController();
  let isLate = false;
  clock.sleep(BODY_TIMEOUT_MS, over.signal).then(() => {
    isLate = true;
    cancel();
  }).catch(() => {});
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > LARGEST_BODY_BYTES) {
        cancel();
        throw tooLarge();
      }
      chunks.push(value);
    }
  } catch (error) {
    if (error instanceof ReportBodyError) throw error;
    throw isLate ? tooLate() : invalid();
  } finally {
    stop.removeEventListener("abort", cancel);
    over.abort();
  }
  if (isLate) throw tooLate();
  // A cancelled reader ends as a complete body does.
  if (stop.aborted) throw invalid();
  return chunks.length === 1 ? chunks[0]! : join(chunks, size);
}

/**
 * Reads the document of a PUT. Unknown members, and text after the document,
 * are ignored.
 *
 * @throws {ReportBodyError} kind "invalid"; checks come in the order of
 * docs/wire.md, section f.6.
 */
export function parseReportBody(bytes: Uint8Array): ReportContent {
  let raw: string;
  let value: unknown;
  try {
    ({ raw, value } = parseFirstValue(utf8.decode(bytes)));
  } catch {
    throw invalid();
  }
  if (typeof value !== "object" || Array.isArray(value)) throw invalid();
  // A null document counts as one without members, as null members do.
  return contentIn(new Map(value === null ? [] : rawMembers(raw)));
}

/**
 * What is to be written, from the members of a document as JSON text.
 *
 * @throws {ReportBodyError} kind "invalid"
 */
export function contentIn(members: ReadonlyMap<string, string>): ReportContent {
  const contentType: unknown = JSON.parse(
    members.get("content_type") ?? "null",
  ) ?? "";
  if (typeof contentType !== "string") throw invalid();
  if (contentType === "") {
    throw new ReportBodyError("invalid", "content_type is required");
  }
  const payload = members.get("payload");
  if (payload === undefined) {
    throw new ReportBodyError("invalid", "payload must be valid JSON");
  }
  return { contentType, payload };
}

/** Strict, and a byte order mark stays: neither is JSON. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function tooLarge(): ReportBodyError {
  return new ReportBodyError("too_large", "body too large");
}

function tooLate(): ReportBodyError {
  return new ReportBodyError("too_late", "request body took too long");
}

function invalid(): ReportBodyError {
  return new ReportBodyError("invalid", "invalid JSON body");
}
