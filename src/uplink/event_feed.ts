import type { Clock } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Random } from "../platform/random.ts";
import type { Dialect } from "../wire/dialect.ts";
import { actionAfter } from "./after_failure.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "./backoff.ts";
import { ControlError, type ControlFailure } from "./control_error.ts";
import { describeFailure } from "./describe_failure.ts";
import { EventStream, type OpenEvents } from "./event_stream.ts";
import { type EventFeedSettings, withDefaults } from "./event_feed_settings.ts";
import { FailureSeries } from "./failure_series.ts";
import { follow, type LinkEvent, type LinkState } from "./link.ts";
import type { MessageSink } from "./message_sink.ts";
import { orAborted } from "./or_aborted.ts";
import { PullRequests } from "./pull_requests.ts";

/** What {@linkcode EventFeed} needs. */
export interface EventFeedOptions {
  /** Decides what a failure means. @default {1} */
  readonly dialect?: Dialect;
  readonly open: OpenEvents;
  /** Pulls the whole state once. */
  readonly pull: (signal: AbortSignal) => Promise<void>;
  readonly sink: MessageSink;
  /**
   * Resolves when everything that came so far is durable. A stream is opened
   * only then, or its server would send again what is still on its way to disk,
   * and that would look like a replay.
   */
  readonly drain: () => Promise<void>;
  /** Id of the last event whose effect is durable. */
  readonly cursor: () => string | undefined;
  /** Forgets the cursor: the server does not know it. */
  readonly resetCursor: () => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly settings?: EventFeedSettings;
  /** Hears how each attempt to open a stream went. */
  readonly onAttempt?: (failure: unknown) => void;
  /** Called on every arrow of the machine. */
  readonly onState?: (state: LinkState, status: FeedStatus) => void;
}

/** Where the feed stands. Times are wall time in ms, but for the next try's. */
export interface FeedStatus {
  readonly state: LinkState;
  readonly sinceMs: number;
  /** Since when no stream is open, through all tries; absent while streaming. */
  readonly downSinceMs?: number;
  /** Monotonic: when it tries again; absent while connecting or streaming. */
  readonly nextTryMs?: number;
  /** Why the last attempt or stream ended; absent while streaming. */
  readonly lastError?: string;
  /** The kind of that failure, when the control plane or the way to it failed. */
  readonly failure?: ControlFailure;
}

/** Why a stream is left that may still be open: a new connection is wanted. */
class Renewal extends Error {
  override readonly name = "Renewal";
}

/** Service for this long means that the earlier failures are over. */
const GOOD_SERVICE_MS = 60_000;

/**
 * Keeps the event stream up, for as long as the agent runs.
 *
 * It walks the table of link.ts and owns the sockets and timers that the table
 * does not know of. After every connect it asks for one pull, since events may
 * have been missed, and reads on meanwhile.
 */
export class EventFeed implements Part {
  readonly name = "event feed";
  readonly #options: EventFeedOptions;
  readonly #dialect: Dialect;
  readonly #settings: Required<EventFeedSettings>;
  readonly #series: FailureSeries;
  readonly #pulls: PullRequests;
  #status: FeedStatus;
  #stream: EventStream | undefined;
  #skippedEvents = 0;
  /** How long the state to come will wait. */
  #waitMs = 0;
  /** The server answered that it was asked too often. */
  #limited = false;
  /** The server said how long to wait. */
  #asked = false;
  /** Ends what is waited for, or read, in favour of a new connection. */
  #renewal: AbortController | undefined;
  /** Ends the stream that is open. */
  #reading: AbortController | undefined;

  /** @throws {RangeError} for a setting that is not above 0. */
  constructor(options: EventFeedOptions) {
    const { clock, random } = options;
    this.#options = options;
    this.#dialect = options.dialect ?? 1;
    this.#settings = withDefaults(options.settings ?? {});
    this.#series = new FailureSeries({
      baseMs: this.#settings.backoffBaseMs,
      maxMs: this.#settings.backoffMaxMs,
      clock,
      random,
    });
    this.#pulls = new PullRequests(options);
    const sinceMs = clock.now();
    this.#status = { state: "connecting", sinceMs, downSinceMs: sinceMs };
  }

  get status(): FeedStatus {
    return this.#status;
  }

  /** Events so far that were left out as they were too long. */
  get skippedEvents(): number {
    return this.#skippedEvents;
  }

  /**
   * Opens a new stream at once: the machine was asleep, and nobody knows what
   * became of the connection. What a server asked to wait for still holds.
   */
  reconnect(): void {
    if (!this.#limited && !this.#asked) this.#renewal?.abort(new Renewal());
  }

  /**
   * Ends the stream that is open, as lost, since something that it brought could
   * not be stored: after the back-off it comes again.
   */
  notStored(error: unknown): void {
    this.#reading?.abort(error);
  }

  async run(signal: AbortSignal): Promise<void> {
    // While it did not run nothing was down: something else may have fed.
    const sinceMs = this.#options.clock.now();
    this.#status = { state: "connecting", sinceMs, downSinceMs: sinceMs };
    this.#enter("connecting");
    try {
      while (!signal.aborted) {
        const { state } = this.#status;
        this.#enter(follow(state, await this.#work[state](signal)));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      // It may run again; until then nothing is open.
      const sinceMs = this.#options.clock.now();
      this.#status = { state: "connecting", sinceMs, downSinceMs: sinceMs };
      await this.#pulls.settled();
    }
  }

  /** What is done in each state; the answer is the arrow to leave by. */
  readonly #work: Record<
    LinkState,
    (signal: AbortSignal) => Promise<LinkEvent>
  > = {
    connecting: (signal) => this.#connect(signal),
    streaming: (signal) => this.#read(signal),
    waiting: (signal) => this.#wait(signal),
    polling: (signal) => this.#poll(signal),
    pull_only: (signal) => this.#pullOnly(signal),
    refused: (signal) => this.#sleep(signal),
  };

  async #connect(signal: AbortSignal): Promise<LinkEvent> {
    await this.#drain(signal);
    const cursor = this.#options.cursor();
    const { open, sink, clock } = this.#options;
    const { idleTimeoutMs, maxEventBytes } = this.#settings;
    // What a server asked to wait for is over.
    this.#limited = false;
    this.#asked = false;
    try {
      this.#stream = await EventStream.open(
        {
          open,
          sink,
          clock,
          idleTimeoutMs,
          maxEventBytes,
          onRetry: (ms) => this.#series.setBase(ms),
          onSkipped: () => this.#skipped(signal),
        },
        cursor,
        signal,
      );
      this.#options.onAttempt?.(undefined);
      return "opened";
    } catch (error) {
      signal.throwIfAborted();
      this.#options.onAttempt?.(error);
      if (cursor !== undefined) await this.#doubtCursor(error);
      switch (actionAfter("events", error, this.#dialect)) {
        case "auth":
        case "permanent":
          return this.#refuse(error);
        case "pull_only_reprobe":
          return this.#doWithout(error);
        default:
          return this.#lose(error);
      }
    }
  }

  async #drain(signal: AbortSignal): Promise<void> {
    const { drain, log } = this.#options;
    try {
      await orAborted(drain(), signal);
    } catch (error) {
      signal.throwIfAborted();
      // The event comes again, and a pull has been asked for.
      log.debug("An event could not be stored", {
        error: describeError(error),
      });
    }
  }

  async #read(signal: AbortSignal): Promise<LinkEvent> {
    const { clock, cursor } = this.#options;
    const { idleTimeoutMs } = this.#settings;
    const openedMs = clock.elapsed();
    const before = cursor();
    this.#pulls.connected(signal);
    let error: unknown = new ControlError(
      "unreachable",
      "The server ended the event stream",
    );
    const renewal = this.#renewal = this.#reading = new AbortController();
    try {
      await this.#stream?.read(renewal.signal);
    } catch (cause) {
      error = cause;
    }
    this.#stream = undefined;
    this.#renewal = this.#reading = undefined;
    signal.throwIfAborted();
    if (error instanceof Renewal) {
      this.#options.log.info("Event stream is opened anew");
      return "renewed";
    }
    const now = cursor();
    // The cursor moves with verified data only, so anyone may open a stream,
    // but only the control plane can end a series early.
    const verified = now !== undefined && now !== before;
    // The silence that ended it was no service: behind a proxy that holds a
    // stream back, every connection opens well and nothing ever comes.
    const silentMs = isSilence(error) ? idleTimeoutMs : 0;
    if (verified || clock.elapsed() - openedMs - silentMs >= GOOD_SERVICE_MS) {
      this.#series.end();
    }
    return this.#lose(error);
  }

  async #wait(signal: AbortSignal): Promise<LinkEvent> {
    const { pollingAfterMs } = this.#settings;
    if (!this.#limited && this.#series.lastingMs >= pollingAfterMs) {
      this.#waitMs = this.#atLeastAsked(this.#settings.pollIntervalMs);
      return "long_outage";
    }
    return await this.#sleep(signal);
  }

  async #poll(signal: AbortSignal): Promise<LinkEvent> {
    const pulled = await this.#pullInstead(signal);
    if (pulled === "refused") return "refused";
    this.#waitMs = Math.max(this.#waitMs, pulled.askedMs);
    this.#status = { ...this.#status, nextTryMs: this.#nextTryMs() };
    return await this.#sleep(signal);
  }

  /** Pulls again and again, until it is time to ask for a stream once more. */
  async #pullOnly(signal: AbortSignal): Promise<LinkEvent> {
    const { clock } = this.#options;
    let probeMs = clock.elapsed() + this.#waitMs;
    for (;;) {
      const pulled = await this.#pullInstead(signal);
      if (pulled === "refused") return "refused";
      const nowMs = clock.elapsed();
      const pauseMs = Math.max(
        this.#jittered(this.#settings.pollIntervalMs),
        pulled.askedMs,
      );
      // A probe is followed by a pull, so it waits as long as that has to.
      probeMs = Math.max(probeMs, nowMs + pulled.askedMs);
      this.#waitMs = probeMs - nowMs;
      this.#status = { ...this.#status, nextTryMs: this.#nextTryMs() };
      if (this.#waitMs <= pauseMs) return await this.#sleep(signal);
      await clock.sleep(pauseMs, signal);
    }
  }

  /** One pull in place of the stream. Its failure never throws. */
  async #pullInstead(
    signal: AbortSignal,
  ): Promise<"refused" | { readonly askedMs: number }> {
    try {
      await this.#pulls.instead(signal);
      return { askedMs: 0 };
    } catch (error) {
      signal.throwIfAborted();
      const action = actionAfter("state", error, this.#dialect);
      if (action === "auth" || action === "permanent") {
        this.#refuse(error);
        return "refused";
      }
      this.#options.log.warn("Pull instead of the event stream failed", {
        error: describeError(error),
      });
      const asked = error instanceof ControlError ? error.retryAfterMs ?? 0 : 0;
      return { askedMs: Math.min(asked, RETRY_AFTER_CAP_MS) };
    }
  }

  async #sleep(signal: AbortSignal): Promise<LinkEvent> {
    const renewal = this.#renewal = new AbortController();
    const either = AbortSignal.any([signal, renewal.signal]);
    try {
      await this.#options.clock.sleep(this.#waitMs, either);
    } catch (error) {
      if (signal.aborted) throw error;
    }
    this.#renewal = undefined;
    return "due";
  }

  #lose(error: unknown): LinkEvent {
    const action = actionAfter("events", error, this.#dialect);
    this.#limited = action === "rate_limited";
    this.#asked = error instanceof ControlError &&
      error.retryAfterMs !== undefined;
    this.#waitMs = this.#series.add(error);
    this.#note(error);
    this.#options.log.warn("Event stream lost", {
      error: describeError(error),
      attempt: this.#series.count,
      wait_ms: Math.round(this.#waitMs),
    });
    return "lost";
  }

  #refuse(error: unknown): LinkEvent {
    this.#waitMs = this.#atLeastAsked(this.#settings.reprobeIntervalMs);
    this.#note(error);
    this.#options.log.warn("Event stream refused", {
      error: describeError(error),
      wait_ms: Math.round(this.#waitMs),
    });
    return "refused";
  }

  /** That is an answer, and no outage: the failures before are over. */
  #doWithout(error: unknown): LinkEvent {
    this.#waitMs = this.#jittered(this.#settings.reprobeIntervalMs);
    this.#series.end();
    this.#note(error);
    this.#options.log.warn("No event stream here: pulling states instead", {
      error: describeError(error),
      wait_ms: Math.round(this.#waitMs),
    });
    return "no_stream";
  }

  #note(error: unknown) {
    const { lastError: _last, failure: _kind, ...rest } = this.#status;
    this.#status = {
      ...rest,
      lastError: describeFailure(error),
      ...(error instanceof ControlError ? { failure: error.kind } : {}),
    };
  }

  #enter(state: LinkState) {
    const { clock, log, onState } = this.#options;
    const { lastError, failure, downSinceMs } = this.#status;
    const sinceMs = clock.now();
    const waits = state !== "connecting" && state !== "streaming";
    this.#status = {
      state,
      sinceMs,
      ...(state === "streaming" ? {} : { downSinceMs: downSinceMs ?? sinceMs }),
      ...(waits ? { nextTryMs: this.#nextTryMs() } : {}),
      ...(lastError === undefined || state === "streaming"
        ? {}
        : { lastError }),
      ...(failure === undefined || state === "streaming" ? {} : { failure }),
    };
    if (state === "streaming") log.info("Event stream up");
    if (state === "polling") {
      log.warn("Event stream down for long: pulling states instead");
    }
    onState?.(state, this.#status);
  }

  /** A server answers 400 to a cursor that it cannot read. */
  async #doubtCursor(error: unknown): Promise<void> {
    if (!(error instanceof ControlError) || error.kind !== "bad_request") {
      return;
    }
    this.#options.log.warn("Event cursor refused: starting without one");
    try {
      await this.#options.resetCursor();
    } catch (cause) {
      this.#options.log.error("Event cursor not reset", {
        error: describeError(cause),
      });
    }
  }

  #skipped(signal: AbortSignal) {
    this.#skippedEvents++;
    this.#options.log.warn("Event skipped as it is too long", {
      max_event_bytes: this.#settings.maxEventBytes,
    });
    this.#pulls.missed(signal);
  }

  #nextTryMs(): number {
    return this.#options.clock.elapsed() + this.#waitMs;
  }

  /** Pulls go elsewhere; a stream is asked for when the server said. */
  #atLeastAsked(ms: number): number {
    return Math.max(this.#jittered(ms), this.#asked ? this.#waitMs : 0);
  }

  #jittered(ms: number): number {
    const unit = () => this.#options.random.unit();
    return backoffMs(0, unit, { baseMs: ms, maxMs: ms });
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof ControlError && error.kind === "timeout";
}
