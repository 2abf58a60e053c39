import { open, requestOf } from "../../client/call.ts";
import { LocalCallError } from "../../client/errors.ts";
import type { Clock } from "../../platform/clock.ts";
import { SseParser } from "../../uplink/sse_parser.ts";
import { WATCH_HEARTBEAT_MS } from "../../wire/watch.ts";

/** Silence after which a stream is taken for lost: an agent sends heartbeats. */
export const SILENCE_MS = 3 * WATCH_HEARTBEAT_MS;

/** Far more than an agent puts into one event. */
const MAX_EVENT_BYTES = 1024 * 1024;

/** One event of a stream, or only how far it has come. */
export interface StreamEvent {
  /** The position after it. */
  readonly id: string;
  /** Type and JSON text; undefined for what only moves the position. */
  readonly told?: { readonly event: string; readonly data: string };
}

/** The agent has answered with something else than a stream. */
export class NoStreamError extends Error {
  override readonly name = "NoStreamError";

  /** @param text The body as it came. */
  constructor(readonly status: number, readonly text: string) {
    super(`Status ${status}`);
  }
}

/** Options for {@linkcode changeStream}. */
export interface ChangeStreamOptions {
  readonly socket: string;
  /** With its query. */
  readonly path: string;
  /** Where the reader has stopped before. */
  readonly position: string | undefined;
  readonly clock: Clock;
  readonly stop: AbortSignal;
}

/**
 * The events of one stream, until it ends, is lost, or `stop` aborts: none of
 * these is an error.
 *
 * @throws {LocalCallError} when the agent cannot be asked at all.
 * @throws {NoStreamError} when it opens no stream.
 */
export async function* changeStream(
  { socket, path, position, clock, stop }: ChangeStreamOptions,
): AsyncGenerator<StreamEvent> {
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  const parser = new SseParser({ maxEventBytes: MAX_EVENT_BYTES });
  let heardMs = clock.elapsed();
  const watch = async () => {
    while (clock.elapsed() - heardMs < SILENCE_MS) {
      await clock.sleep(SILENCE_MS - (clock.elapsed() - heardMs), signal);
    }
    over.abort();
  };
  watch().catch(() => {});
  try {
    const headers = position === undefined ? {} : { "last-event-id": position };
    const request = requestOf(
      socket,
      "GET",
      path,
      undefined,
      { headers },
      signal,
    );
    const { status, chunks } = await open(socket, request);
    if (status !== 200) throw new NoStreamError(status, await textOf(chunks));
    for await (const bytes of chunks) {
      heardMs = clock.elapsed();
      for (const { id, event, data } of parser.push(bytes)) {
        yield { id, told: { event, data } };
      }
      yield { id: parser.lastEventId };
    }
  } catch (error) {
    const says = error instanceof NoStreamError ||
      error instanceof LocalCallError;
    // All else is a connection that is no more.
    if (says) throw error;
  } finally {
    over.abort();
  }
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of chunks) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MAX_EVENT_BYTES) break;
  }
  return text + decoder.decode();
}
