import type { Clock } from "../platform/clock.ts";
import { ControlError } from "./control_error.ts";
import type { MessageSink } from "./message_sink.ts";
import { isSendableEventId } from "./request_headers.ts";
import { type SseMessage, SseParser } from "./sse_parser.ts";

/** What opens a stream; {@linkcode ControlClient.openEvents} in the agent. */
export type OpenEvents = (
  lastEventId: string | undefined,
  signal: AbortSignal,
) => Promise<ReadableStream<Uint8Array>>;

/** What {@linkcode EventStream} needs. */
export interface EventStreamOptions {
  readonly open: OpenEvents;
  readonly sink: MessageSink;
  readonly clock: Clock;
  /** Silence after which the connection counts as dead. */
  readonly idleTimeoutMs: number;
  readonly maxEventBytes: number;
  /** The server asks for another reconnection time, in ms. */
  readonly onRetry: (ms: number) => void;
  /** An event over `maxEventBytes` was left out. */
  readonly onSkipped: () => void;
}

/** One connection, from its request to its end. */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #body: ReadableStream<Uint8Array>;
  /** Aborts when the connection has to go, whoever wants that. */
  readonly #connection: AbortController;
  readonly #leave: () => void;
  /** When reading began to wait for bytes; undefined while the sink works. */
  #quietSinceMs: number | undefined;

  private constructor(
    options: EventStreamOptions,
    body: ReadableStream<Uint8Array>,
    connection: AbortController,
    leave: () => void,
  ) {
    this.#options = options;
    this.#body = body;
    this.#connection = connection;
    this.#leave = leave;
  }

  /**
   * Sends the request and waits for the answer to begin. Whoever opens a stream
   * must {@linkcode read} it.
   *
   * @throws what `open` throws.
   */
  static async open(
    options: EventStreamOptions,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<EventStream> {
    signal.throwIfAborted();
    const connection = new AbortController();
    const relay = () => connection.abort(signal.reason);
    const leave = () => signal.removeEventListener("abort", relay);
    signal.addEventListener("abort", relay, { once: true });
    try {
      const body = await options.open(lastEventId, connection.signal);
      return new EventStream(options, body, connection, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /**
   * Hands every message to the sink until the server ends the stream.
   *
   * Silence counts only while bytes are waited for: a slow sink is no reason to
   * drop a connection that is alive.
   *
   * @param leave Ends the connection when it aborts.
   * @throws {ControlError} kind "timeout" after silence, "unreachable" when the
   * connection breaks; what the sink throws; the reason of the signal.
   */
  async read(leave?: AbortSignal): Promise<void> {
    const reader = this.#body.getReader();
    const gone = this.#connection.signal;
    const left = () => this.#connection.abort(leave?.reason);
    leave?.addEventListener("abort", left, { once: true });
    const cancel = () => void reader.cancel(gone.reason).catch(() => {});
    const finished = new AbortController();
    const watch = this.#watchSilence(finished.signal);
    gone.addEventListener("abort", cancel, { once: true });
    if (gone.aborted) cancel();
    try {
      await this.#readAll(reader);
      gone.throwIfAborted();
    } catch (error) {
      throw gone.aborted ? gone.reason : error;
    } finally {
      this.#leave();
      leave?.removeEventListener("abort", left);
      gone.removeEventListener("abort", cancel);
      finished.abort();
      await watch;
      // A no-op at the end of the stream; else it frees the connection.
      await reader.cancel().catch(() => {});
    }
  }

  async #readAll(
    reader: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<void> {
    const parser = new SseParser(this.#options);
    while (await this.#readSome(reader, parser));
  }

  /**
   * A call of its own: one that waits, perhaps for days, still holds what it had
   * before, and events can carry keys.
   *
   * @returns whether there may be more.
   */
  async #readSome(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    parser: SseParser,
  ): Promise<boolean> {
    const { sink, clock } = this.#options;
    this.#quietSinceMs = clock.elapsed();
    const { done, value } = await reader.read().catch(broken);
    this.#quietSinceMs = undefined;
    if (done) return false;
    for (const message of parser.push(value)) {
      this.#connection.signal.throwIfAborted();
      await sink.accept(withSendableId(message));
    }
    return true;
  }

  async #watchSilence(finished: AbortSignal): Promise<void> {
    const { clock, idleTimeoutMs } = this.#options;
    while (!finished.aborted) {
      const now = clock.elapsed();
      const left = idleTimeoutMs - (now - (this.#quietSinceMs ?? now));
      if (left <= 0) {
        this.#connection.abort(
          new ControlError("timeout", `Nothing came for ${idleTimeoutMs} ms`),
        );
        return;
      }
      // Rejects only once reading has finished, which the loop then sees.
      await clock.sleep(left, finished).catch(() => {});
    }
  }
}

/** An id that cannot be sent back is no place to go on from: none is moved to. */
function withSendableId(message: SseMessage): SseMessage {
  return isSendableEventId(message.id) ? message : { ...message, id: "" };
}

function broken(cause: unknown): never {
  throw new ControlError("unreachable", "The event stream broke off", {
    cause,
  });
}
