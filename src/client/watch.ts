import { apiError, documentOf } from "./answers.ts";
import { decode, open, requestOf } from "./call.ts";
import { type ClientClock, machineClock } from "./client_clock.ts";
import type { WatchEvent, WatchKind } from "./documents.ts";
import { ApiError, LocalCallError } from "./errors.ts";
import type { RawAnswer, Target } from "./http.ts";
import { type SseBlock, sseBlocks } from "./sse.ts";

/** The agent says something every 15 s; after three times that it is gone. */
const SILENT_MS = 45_000;
/** An agent that restarts is back within seconds. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** A refusal is no stream, and short. */
const MOST_REFUSAL_BYTES = 65_536;

/** What becomes of the connection, beside what it brings. */
export type WatchNews =
  /** A stream is open, and begins after this position. */
  | {
    readonly type: "opened";
    readonly position: string;
    /** Whether it goes on where the reader has stopped. */
    readonly resumed: boolean;
  }
  /** All that is wanted up to this position was dealt with, if there was any. */
  | { readonly type: "moved"; readonly position: string }
  /** The stream is no more, and the agent is asked for another one. */
  | { readonly type: "lost"; readonly reason: string };

/** Options for {@linkcode watch}. */
export interface WatchOptions {
  /** Changes of these kinds only. @default all */
  readonly kinds?: readonly WatchKind[];
  /** Changes of these keys only, at most 64. @default all */
  readonly keys?: readonly string[];
  /** The position of the last event that was dealt with, in an earlier watch. */
  readonly position?: string;
  /** Hears how the connection is. */
  readonly onNews?: (news: WatchNews) => void;
  /** Ends the watch: the iterator is then done. */
  readonly signal?: AbortSignal;
  /** @default that of the machine */
  readonly clock?: ClientClock;
}

/**
 * Changes as they become durable, for as long as somebody reads. A stream that
 * breaks off, also by a restart of the agent, is resumed where it stopped; what
 * was missed for good is told as `reset`.
 *
 * @throws {LocalCallError | ApiError} when the first stream does not open, or a
 * later one is refused for a reason that stays, such as a missing permission.
 */
export async function* watch(
  target: Target,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent, void> {
  const {
    clock = machineClock,
    signal = new AbortController().signal,
    onNews = () => {},
  } = options;
  let { position } = options;
  let pauseMs = FIRST_PAUSE_MS;
  let hasOpened = false;
  while (!signal.aborted) {
    let waitMs = pauseMs;
    let reason = "the connection was closed";
    try {
      for await (const block of stream(target, options, position, clock)) {
        hasOpened = true;
        pauseMs = waitMs = FIRST_PAUSE_MS;
        if (block.id !== "") position = block.id;
        if (block.event === "end") reason = reasonIn(block, target) ?? reason;
        const event = eventIn(block, target);
        if (event?.type === "hello") {
          onNews({ ...event, type: "opened" });
        }
        if (event && !(event.type === "hello" && event.resumed)) yield event;
        if (block.id !== "") onNews({ type: "moved", position: block.id });
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!hasOpened || !passes(error)) throw error;
      reason = error instanceof Error ? error.message : reason;
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      if (error instanceof ApiError) waitMs = error.retryAfterMs ?? waitMs;
    }
    if (signal.aborted) return;
    onNews({ type: "lost", reason });
    await clock.sleep(waitMs, signal).catch(() => {});
  }
}

/** One connection, until it ends or falls silent. */
async function* stream(
  target: Target,
  { kinds = [], keys = [], signal }: WatchOptions,
  position: string | undefined,
  clock: ClientClock,
): AsyncGenerator<SseBlock> {
  const query = new URLSearchParams([
    ...kinds.map((kind) => ["kind", kind]),
    ...keys.map((key) => ["key", key]),
  ]).toString();
  const headers = {
    accept: "text/event-stream",
    ...(position === undefined ? {} : { "last-event-id": position }),
  };
  const silence = new Silence(clock, signal);
  const path = `/v1/watch${query && `?${query}`}`;
  const request = requestOf(
    target,
    "GET",
    path,
    undefined,
    { headers },
    silence.signal,
  );
  try {
    const answer = await open(target, request);
    if (answer.status !== 200) throw await refusalOf(answer);
    for await (const block of sseBlocks(silence.heard(answer.chunks))) {
      yield block;
    }
  } catch (error) {
    if (error instanceof LocalCallError || error instanceof ApiError) {
      throw error;
    }
    throw new LocalCallError("no_answer", "The watch broke off", error);
  } finally {
    silence.stop();
  }
}

/** Gives a connection up on which nothing has come for too long. */
class Silence {
  readonly #clock: ClientClock;
  readonly #gone = new AbortController();
  #timer = new AbortController();
  /** Aborts then, or with the watch. */
  readonly signal: AbortSignal;

  constructor(clock: ClientClock, outer: AbortSignal | undefined) {
    this.#clock = clock;
    const { signal } = this.#gone;
    this.signal = outer ? AbortSignal.any([outer, signal]) : signal;
    this.#start();
  }

  /** Counts only while it waits, not while the reader is busy. */
  async *heard(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of chunks) {
      this.stop();
      yield bytes;
      this.#start();
    }
  }

  #start(): void {
    this.#timer = new AbortController();
    this.#clock.sleep(SILENT_MS, this.#timer.signal)
      .then(() => this.#gone.abort(new Error("Nothing was heard")), () => {});
  }

  stop(): void {
    this.#timer.abort();
  }
}

type Told =
  | Exclude<WatchEvent, { type: "hello" }>
  | (Extract<WatchEvent, { type: "hello" }> & { readonly resumed: boolean });

/** @returns undefined for a heartbeat, an end, and what is not known here. */
function eventIn(
  { event, data, id }: SseBlock,
  target: Target,
): Told | undefined {
  if (!["hello", "reset", "change"].includes(event)) return undefined;
  const body = decode(data, target);
  switch (event) {
    case "hello": {
      const { position, resumed } = documentOf<
        { position: string; resumed: boolean }
      >({ body }, { position: "string" }, target);
      return { type: "hello", position, resumed: resumed === true };
    }
    case "reset": {
      const { position, reason } = documentOf<
        { position: string; reason: string }
      >({ body }, { position: "string", reason: "string" }, target);
      return { type: "reset", position, reason };
    }
    default: {
      const change = documentOf<
        Omit<Extract<WatchEvent, { type: "change" }>, "type" | "position">
      >({ body }, { kind: "string", key: "string", at: "string" }, target);
      return { ...change, type: "change", position: id };
    }
  }
}

/** Why the agent has ended a stream, such as `slow_reader`. */
function reasonIn({ data }: SseBlock, target: Target): string | undefined {
  const body = decode(data, target);
  const says = typeof body === "object" && body !== null && "reason" in body;
  return says && typeof body.reason === "string" ? body.reason : undefined;
}

/** Whether a later try may go better. */
function passes(error: unknown): boolean {
  if (error instanceof ApiError) {
    return error.status >= 500 || error.status === 429;
  }
  return error instanceof LocalCallError && error.kind !== "no_permission";
}

async function refusalOf({ status, headers, chunks }: RawAnswer) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of chunks) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MOST_REFUSAL_BYTES) break;
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return apiError({ status, headers, body });
}
