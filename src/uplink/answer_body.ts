import { chunksOf } from "./chunks_of.ts";
import { ControlError } from "./control_error.ts";
import { gunzip } from "./gunzip.ts";

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** What may be read of a body. */
export interface BodyBound {
  readonly maxBytes: number;
  /** The setting that says so, for the message of the error. */
  readonly setting?: string;
}

/**
 * Reads a whole body, decoded.
 *
 * @param isText Bytes that are no text may begin like a gzip file and be none.
 * @throws {ControlError} kind "bad_answer" for a longer one, whose rest is not
 * read; "unreachable" when it breaks off or `signal` aborts.
 */
export async function readBytes(
  body: Body | null,
  { maxBytes, setting }: BodyBound,
  isText: boolean,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, rest, failure } = isText
    ? await readDecoded(body, maxBytes, signal)
    : await readUpTo(body, maxBytes, signal);
  if (failure !== undefined) {
    throw new ControlError("unreachable", "The answer broke off", {
      cause: failure,
    });
  }
  if (rest) {
    throw new ControlError(
      "bad_answer",
      `The answer is longer than ${maxBytes} bytes` +
        (setting ? ` (as ${setting} says)` : ""),
    );
  }
  return bytes;
}

/** @throws {ControlError} kind "bad_answer" for bytes that are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ControlError("bad_answer", "The answer is not UTF-8 text");
  }
}

/** The start of a body as text. */
export interface StartOfText {
  readonly text: string;
  /** The body goes on, or broke off, after it. */
  readonly cut: boolean;
}

/** Reads at most `maxBytes` of a body, as far as it comes; never throws. */
export async function readStart(
  body: Body | null,
  maxBytes: number,
  signal: AbortSignal,
): Promise<StartOfText> {
  const { bytes, rest, failure } = await readDecoded(body, maxBytes, signal);
  const text = new TextDecoder().decode(bytes);
  return { text, cut: rest || failure !== undefined };
}

interface Start {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** There was more than the bound; it has been refused. */
  readonly rest: boolean;
  /** Why reading ended before the body did. */
  readonly failure?: unknown;
}

/**
 * The runtime decodes a body whose `Content-Encoding` is exactly `gzip`, but
 * not every version takes other spellings, which are equal by RFC 9110. No JSON
 * begins like a gzip file, so a body that still does is one.
 */
async function readDecoded(
  body: Body | null,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Start> {
  const start = await readUpTo(body, maxBytes, signal);
  const isGzip = start.bytes[0] === 0x1f && start.bytes[1] === 0x8b;
  if (!isGzip || start.rest || start.failure !== undefined) return start;
  const packed = new Blob([start.bytes]).stream();
  return readUpTo(gunzip(packed), maxBytes, signal);
}

async function readUpTo(
  body: Body | null,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Start> {
  if (!body) return { bytes: new Uint8Array(0), rest: false };
  const chunks: Uint8Array[] = [];
  let length = 0;
  let failure: unknown;
  try {
    // Leaving the loop cancels the body, and with it the connection.
    for await (const chunk of chunksOf(body, signal)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) break;
    }
  } catch (error) {
    failure = error ?? new Error("The body failed without a reason");
  }
  const bytes = new Uint8Array(Math.min(length, maxBytes));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.subarray(0, maxBytes - at), at);
    at += chunk.length;
  }
  return { bytes, rest: length > maxBytes, failure };
}
