import type { Clock } from "../../platform/clock.ts";
import { ProblemError } from "./problem.ts";

/** No document of the wire is larger; a report batch has a limit of its own. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** A body that trickles in slower than this holds a connection for nothing. */
export const BODY_TIMEOUT_MS = 30_000;

/** Options for {@linkcode readText} and {@linkcode readBytes}. */
export interface ReadTextOptions {
  readonly clock: Clock;
  /** Ends the wait when the server stops. */
  readonly stop: AbortSignal;
  /** Most bytes, both as sent and decompressed. @default {1048576} */
  readonly maxBytes?: number;
}

/**
 * The body of a request as text, gunzipped where it says so.
 *
 * @throws {ProblemError} 400 "malformed_body" for what is no UTF-8, and what
 * {@linkcode readBytes} throws.
 */
export async function readText(
  request: Request,
  options: ReadTextOptions,
): Promise<string> {
  const bytes = await readBytes(request, options);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    throw new ProblemError(400, "malformed_body", {
      detail: "The body is not UTF-8",
    });
  }
}

/**
 * The body of a request, gunzipped where it says so.
 *
 * @throws {ProblemError} 413 "body_too_large", 415 "unsupported_encoding", 400
 * "malformed_encoding", 408 "body_timeout", 503 "stopping".
 */
export async function readBytes(
  request: Request,
  options: ReadTextOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { clock, stop, maxBytes = MAX_BODY_BYTES } = options;
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity" && encoding !== "gzip") {
    throw new ProblemError(415, "unsupported_encoding");
  }
  if (Number(request.headers.get("content-length")) > maxBytes) {
    await request.body?.cancel();
    throw tooLarge();
  }
  const done = new AbortController();
  const late = clock.sleep(
    BODY_TIMEOUT_MS,
    AbortSignal.any([stop, done.signal]),
  ).then(
    () => new ProblemError(408, "body_timeout"),
    () => new ProblemError(503, "stopping"),
  );
  try {
    return await readDecoded(request, encoding === "gzip", maxBytes, late);
  } finally {
    done.abort();
  }
}

async function readDecoded(
  request: Request,
  zipped: boolean,
  maxBytes: number,
  late: Promise<ProblemError>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!request.body) return new Uint8Array();
  const sent = await readBounded(request.body, maxBytes, late)
    .catch((error) => {
      if (error instanceof ProblemError) throw error;
      // The client has left: no failure of this server, nor read by anybody.
      throw new ProblemError(400, "malformed_body", {
        detail: "The body ended early",
      });
    });
  return zipped ? await gunzip(sent, maxBytes, late) : sent;
}

async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
  late: Promise<ProblemError>,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const plain = new Blob([bytes]).stream()
      .pipeThrough(new DecompressionStream("gzip"));
    return await readBounded(plain, maxBytes, late);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw new ProblemError(400, "malformed_encoding", {
      detail: "The body is not gzip",
    });
  }
}

async function readBounded(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  late: Promise<ProblemError>,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const next = await Promise.race([reader.read(), late]);
    if (next instanceof ProblemError) {
      await reader.cancel();
      throw next;
    }
    if (next.done) break;
    size += next.value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(new Uint8Array(next.value));
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function tooLarge() {
  return new ProblemError(413, "body_too_large");
}
