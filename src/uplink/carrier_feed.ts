import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { surviveStrayFailures } from "../platform/stray_failures.ts";
import type { CarrierCredentials } from "../wire/carrier_credentials.ts";
import { backoffMs } from "./backoff.ts";
import {
  type CarrierEvent,
  type CarrierState,
  FEEDER,
  followCarrier,
} from "./carrier_link.ts";
import type { FeedStatus } from "./event_feed.ts";
import { BusError } from "./nats/bus_error.ts";
import { PullRequests } from "./pull_requests.ts";

/** A connection to the message bus. */
export interface BusSession {
  readonly credentials: CarrierCredentials;
  /** Resolves once it is closed by this side. @throws {BusError} */
  read(): Promise<void>;
  close(): Promise<void>;
}

/** The event stream, as a carrier that can be closed and opened again. */
export interface StreamCarrier extends Part {
  readonly status: FeedStatus;
  /** Opens a new connection at once. */
  reconnect(): void;
}

/** Credentials that are kept fresh. */
export interface CredentialSource {
  current(): CarrierCredentials | undefined;
  refreshNowIfDue(signal: AbortSignal): Promise<boolean>;
  rejected(credentials: CarrierCredentials): void;
  onChange(listener: () => void): () => void;
}

/** What {@linkcode CarrierFeed} needs. */
export interface CarrierFeedOptions {
  readonly stream: StreamCarrier;
  readonly credentials: CredentialSource;
  /** @throws {BusError} */
  readonly open: (
    credentials: CarrierCredentials,
    attempt: number,
    heard: { refused(): void; skipped(): void },
  ) => Promise<BusSession>;
  /** Pulls the whole state once. */
  readonly pull: (signal: AbortSignal) => Promise<void>;
  /** Resolves when everything that came so far is durable. */
  readonly drain: () => Promise<void>;
  /** Called on every arrow of the machine. */
  readonly onState?: (state: CarrierState, status: BusStatus) => void;
  readonly io: Platform;
}

/** Where the message bus stands. Times are wall time in ms, but for the next try's. */
export interface BusStatus {
  readonly state: CarrierState;
  readonly sinceMs: number;
  /** Monotonic. */
  readonly nextTryMs?: number;
  /** Why it is not used; absent while it is. */
  readonly lastError?: string;
  /** It is there, and that is its answer; else it is away. */
  readonly isRefusal: boolean;
  /** The connection is made anew with fresh credentials. */
  readonly planned: boolean;
}

/** The event stream takes over when the bus is away for longer. */
const GRACE_MS = 5_000;

/** The bus was away for too long. */
class GraceOver extends Error {
  override readonly name = "GraceOver";
}

/** Between two tries while the event stream feeds, before jitter. */
const BACKOFF = { baseMs: 2_000, maxMs: 60_000 };

/** Between two tries while nothing feeds. */
const QUICK_MS = 1_000;

/** How often the life of the credentials in use is looked at. */
const LOOK_MS = 5_000;

/** Service for this long means that the earlier failures are over. */
const GOOD_SERVICE_MS = 60_000;

/** Connections in a row that may be shorter without a back-off. */
const MOST_SHORT = 3;

/**
 * Brings events by the message bus where there is one, and by the event stream
 * where there is not, or not now.
 *
 * It walks the table of carrier_link.ts. Each carrier keeps its own place: the
 * bus in its durable consumer, the stream in its cursor. Whatever is changed to
 * begins with a pull.
 */
export class CarrierFeed implements Part {
  readonly name = "event feed";
  readonly #options: CarrierFeedOptions;
  readonly #pulls: PullRequests;
  #status: BusStatus;
  #feedStatus: FeedStatus;
  #session: BusSession | undefined;
  #stream: RunningStream | undefined;
  #attempt = 0;
  #failures = 0;
  #waitMs = 0;
  #refused = 0;
  #skipped = 0;
  #wake: (() => void) | undefined;
  /** Of the whole run; connections are shorter. */
  #life: AbortSignal = AbortSignal.abort();
  /** The next end of the connection is wanted. */
  #planned = false;
  /** Aborts with the failure of the event stream's part. */
  readonly #broken = new AbortController();

  constructor(options: CarrierFeedOptions) {
    const { io, pull } = options;
    this.#options = options;
    this.#pulls = new PullRequests({ pull, clock: io.clock, log: io.log });
    const sinceMs = io.clock.now();
    this.#status = {
      state: "without",
      sinceMs,
      isRefusal: false,
      planned: false,
    };
    this.#feedStatus = { state: "connecting", sinceMs };
  }

  /** How events come, whatever brings them. */
  get status(): FeedStatus {
    return FEEDER[this.#status.state] === "sse"
      ? this.#options.stream.status
      : this.#feedStatus;
  }

  get bus(): BusStatus {
    return this.#status;
  }

  /** Which carrier is to bring events now; null for a moment without any. */
  get feeder(): "sse" | "nats" | null {
    return FEEDER[this.#status.state];
  }

  /** Messages of the bus so far that were refused for good. */
  get refused(): number {
    return this.#refused;
  }

  /** Messages of the bus so far that were too long. */
  get skipped(): number {
    return this.#skipped;
  }

  /** The machine was asleep: whatever was open is opened anew. */
  reconnect(): void {
    this.#options.stream.reconnect();
    this.#failures = 0;
    if (this.#status.state === "feeding") this.#reopen();
    this.#wake?.();
  }

  async run(stop: AbortSignal): Promise<void> {
    const { credentials, io } = this.#options;
    surviveStrayFailures(io.log);
    const signal = AbortSignal.any([stop, this.#broken.signal]);
    this.#life = signal;
    const forget = credentials.onChange(() => this.#wake?.());
    try {
      await this.#enter("without", signal);
      while (!signal.aborted) {
        const { state } = this.#status;
        const event = await this.#work[state](signal);
        if (signal.aborted) break;
        await this.#enter(followCarrier(state, event), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      forget();
      await this.#closeSession();
      await this.#stopStream();
      await this.#pulls.settled();
    }
    if (!stop.aborted) this.#broken.signal.throwIfAborted();
  }

  /** What is done in each state; the answer is the arrow to leave by. */
  readonly #work: Record<
    CarrierState,
    (signal: AbortSignal) => Promise<CarrierEvent>
  > = {
    without: (signal) => this.#awaitCredentials(signal),
    connecting: (signal) => this.#connect(signal),
    catching_up: (signal) => this.#catchUp(signal),
    feeding: (signal) => this.#feed(signal),
    lost: (signal) => this.#regain(signal),
    waiting: (signal) => this.#wait(signal),
  };

  async #awaitCredentials(signal: AbortSignal): Promise<CarrierEvent> {
    const { credentials } = this.#options;
    while (!credentials.current()) await this.#sleep(Infinity, signal);
    return "credentials";
  }

  async #connect(signal: AbortSignal): Promise<CarrierEvent> {
    const { credentials, open } = this.#options;
    await credentials.refreshNowIfDue(signal);
    const current = credentials.current();
    if (!current) return "no_credentials";
    const isFirst = this.#attempt === 0;
    try {
      const opening = open(current, this.#attempt++, {
        refused: () => {
          this.#refused++;
          this.#pulls.missed(this.#life);
        },
        skipped: () => {
          this.#skipped++;
          this.#pulls.missed(this.#life);
        },
      });
      this.#session = await orLeft(opening, signal);
      return "connected";
    } catch (error) {
      signal.throwIfAborted();
      // Kept from an earlier run, they may say where the bus was then.
      if (isFirst || areOver(error)) credentials.rejected(current);
      return this.#fail(error);
    }
  }

  async #catchUp(signal: AbortSignal): Promise<CarrierEvent> {
    try {
      await orLeft(this.#options.pull(signal), signal);
      return "caught_up";
    } catch (error) {
      signal.throwIfAborted();
      await this.#closeSession();
      return this.#fail(error);
    }
  }

  async #feed(signal: AbortSignal): Promise<CarrierEvent> {
    const { io, credentials } = this.#options;
    const session = this.#session!;
    const beganMs = io.clock.elapsed();
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const watch = this.#watchCredentials(session, either);
    let failure: unknown;
    try {
      await orLeft(session.read(), signal);
    } catch (error) {
      failure = error;
    }
    over.abort();
    await watch;
    await this.#closeSession();
    signal.throwIfAborted();
    const isGood = io.clock.elapsed() - beganMs >= GOOD_SERVICE_MS;
    if (isGood) this.#failures = 0;
    else if (!this.#planned) this.#failures++;
    if (areOver(failure)) credentials.rejected(session.credentials);
    if (!this.#planned) {
      const error = describeError(failure);
      io.log.warn("Message bus lost", { error });
      const isRefusal = isAnswer(failure);
      this.#status = { ...this.#status, lastError: error, isRefusal };
    }
    return "lost";
  }

  /** Leaves a connection whose credentials end, or have been renewed. */
  async #watchCredentials(
    { credentials }: BusSession,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      await this.#sleep(LOOK_MS, signal).catch(() => {});
      if (signal.aborted) return;
      if (this.#options.credentials.current() !== credentials) this.#reopen();
    }
  }

  #reopen() {
    this.#planned = true;
    this.#session?.close();
  }

  /** Tries at once and again, until the time is over for the event stream. */
  async #regain(signal: AbortSignal): Promise<CarrierEvent> {
    const { clock } = this.#options.io;
    // A bus that lets in and closes at once must not be asked all the time.
    const failures = this.#failures;
    if (failures > MOST_SHORT && !this.#planned) return this.#stayAway();
    const grace = new AbortController();
    const either = AbortSignal.any([signal, grace.signal]);
    const timer = clock.sleep(GRACE_MS, either)
      .then(() => grace.abort(new GraceOver()), () => {});
    try {
      return await this.#tryAgain(either);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GraceOver)) throw error;
      await this.#closeSession();
      // Quick tries do not count: back-off begins where it was.
      this.#failures = failures;
      return this.#stayAway();
    } finally {
      grace.abort();
      await timer;
    }
  }

  #stayAway(): CarrierEvent {
    const { lastError = "The message bus stays away" } = this.#status;
    return this.#postpone(lastError);
  }

  async #tryAgain(signal: AbortSignal): Promise<CarrierEvent> {
    const { random } = this.#options.io;
    for (;;) {
      await this.#sleep(QUICK_MS * random.unit(), signal);
      let event = await this.#connect(signal);
      if (event === "connected") event = await this.#catchUp(signal);
      if (event === "caught_up") return "regained";
      if (event === "no_credentials") return event;
      await this.#sleep(QUICK_MS, signal);
    }
  }

  async #wait(signal: AbortSignal): Promise<CarrierEvent> {
    const { credentials } = this.#options;
    await this.#sleep(this.#waitMs, signal);
    return credentials.current() ? "due" : "no_credentials";
  }

  #fail(error: unknown): CarrierEvent {
    this.#status = { ...this.#status, isRefusal: isAnswer(error) };
    // Quick tries follow at once, whatever the back-off would be.
    const isQuick = this.#status.state === "lost";
    return this.#postpone(describeError(error), isQuick);
  }

  #postpone(lastError: string, isQuick = false): CarrierEvent {
    const { io } = this.#options;
    const unit = () => io.random.unit();
    this.#waitMs = backoffMs(this.#failures++, unit, BACKOFF);
    this.#status = { ...this.#status, lastError };
    io.log.warn("Message bus not usable", {
      error: lastError,
      ...(isQuick ? {} : { wait_ms: Math.round(this.#waitMs) }),
    });
    return "failed";
  }

  /** Until the time is over, or there is something new. @throws when aborted. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#wake = wake;
    try {
      await this.#options.io.clock.sleep(
        Math.min(ms, LONGEST_SLEEP_MS),
        AbortSignal.any([signal, woken.signal]),
      );
    } catch (error) {
      if (signal.aborted) throw error;
    } finally {
      if (this.#wake === wake) this.#wake = undefined;
    }
  }

  async #enter(state: CarrierState, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.io;
    if (FEEDER[state] === "nats") {
      await this.#stopStream();
      await this.#drain();
      log.info("Events come by the message bus");
    }
    const sinceMs = clock.now();
    const { lastError, isRefusal } = this.#status;
    this.#status = {
      state,
      sinceMs,
      ...(state === "waiting"
        ? { nextTryMs: clock.elapsed() + this.#waitMs }
        : {}),
      ...(lastError === undefined || state === "feeding" ? {} : { lastError }),
      isRefusal: isRefusal && state !== "feeding",
      planned: this.#planned,
    };
    this.#feedStatus = state === "feeding"
      ? { state: "streaming", sinceMs }
      : { state: "connecting", sinceMs, downSinceMs: sinceMs };
    this.#options.onState?.(state, this.#status);
    if (state !== "lost") this.#planned = false;
    if (FEEDER[state] === "sse" && !this.#stream) {
      await this.#drain();
      if (!signal.aborted) this.#startStream(signal);
    }
  }

  /** What one carrier brought is on disk before the other may bring it. */
  async #drain(): Promise<void> {
    try {
      await this.#options.drain();
    } catch (error) {
      // The event comes again, and a pull has been asked for.
      this.#options.io.log.debug("An event could not be stored", {
        error: describeError(error),
      });
    }
  }

  #startStream(life: AbortSignal) {
    const stop = new AbortController();
    const signal = AbortSignal.any([life, stop.signal]);
    const done = this.#options.stream.run(signal).then(() => {
      if (!signal.aborted) throw new Error("The event stream ended early");
    }).catch((error: unknown) => this.#broken.abort(error));
    this.#stream = { stop, signal, done };
  }

  async #stopStream(): Promise<void> {
    const running = this.#stream;
    this.#stream = undefined;
    running?.stop.abort();
    await running?.done;
  }

  async #closeSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}

/** Whether others have to be had, whatever their expiry says. */
function areOver(error: unknown): boolean {
  return error instanceof BusError &&
    (error.kind === "unauthorized" || error.kind === "missing");
}

/** Whether the bus is there, and will not serve the node as things are. */
function isAnswer(error: unknown): boolean {
  return error instanceof BusError && error.kind !== "unreachable";
}

interface RunningStream {
  readonly stop: AbortController;
  /** Held: Deno 2.7 forgets who listens to a signal that nobody holds. */
  readonly signal: AbortSignal;
  readonly done: Promise<void>;
}

/** A timer has to end some time. */
const LONGEST_SLEEP_MS = 3_600_000;

/** Waits for `work`; what comes of it after the caller has left is closed. */
async function orLeft<T extends BusSession | void>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  try {
    return await Promise.race([work, left.promise]);
  } catch (error) {
    work.then((late) => late?.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
