import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { CarrierCredentials } from "../wire/carrier_credentials.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "./backoff.ts";
import { ControlError } from "./control_error.ts";
import { CredentialLife } from "./credential_life.ts";
import { orAborted } from "./or_aborted.ts";

/** Keeps credentials over restarts. */
export interface CarrierStore {
  /** Of an earlier run, expired ones included. */
  readonly carrier: CarrierCredentials | undefined;
  /** Rejects when they could not be stored. */
  saveCarrier(credentials: CarrierCredentials | undefined): Promise<void>;
}

/** How a refresh ended that is worth to be told. */
export type RefreshNews =
  | { readonly type: "refreshed"; readonly expiresAt: string }
  | { readonly type: "unauthorized"; readonly error: unknown }
  /** What was unauthorized is not any more, whatever it is instead. */
  | { readonly type: "authorized" };

/** What {@linkcode RefreshLoop} needs. */
export interface RefreshLoopOptions {
  /** Asks the control plane for new credentials. */
  readonly fetch: (signal: AbortSignal) => Promise<CarrierCredentials>;
  readonly store: CarrierStore;
  /** Hides what must never be shown; called before anything works with it. */
  readonly hide: (credentials: CarrierCredentials) => void;
  readonly onNews?: (news: RefreshNews) => void;
  /** Wait where there is no bus, or the node is not accepted. @default {600000} */
  readonly reprobeIntervalMs?: number;
  readonly io: Platform;
}

/**
 * Where the loop stands. `no_bus`: the control plane has none. `refused`: it
 * has, but not for this node.
 */
export type RefreshState =
  | "starting"
  | "fresh"
  | "retrying"
  | "no_bus"
  | "refused"
  | "unauthorized";

/** What the loop tells about itself, and never the credentials. Wall times in ms. */
export interface RefreshStatus {
  readonly state: RefreshState;
  readonly expiresAtMs?: number;
  /** Also of an earlier run: when they were issued. */
  readonly lastRefreshMs?: number;
  readonly nextRefreshMs?: number;
  readonly lastError?: string;
}

/** First and longest wait after a transient failure, before jitter. */
const BACKOFF = { baseMs: 1_000, maxMs: 24_000 };

/** Whoever asks, two requests are at least this far apart. */
const MIN_GAP_MS = 1_000;

/** Wall time may jump while a timer sleeps; it is looked at this often. */
const LOOK_MS = 5_000;

/**
 * Keeps the short-lived credentials of the message bus fresh.
 *
 * They are renewed 30 s before they expire, or at half of a life that is shorter
 * than a minute. {@linkcode current} never gives expired ones. A failure that
 * can pass is tried again after 1 to 30 s; a control plane without a bus, and
 * one that does not accept this node, are asked again after minutes.
 *
 * @see seed ppz daemon, `RefreshLoop`, `RefreshNowIfDue`, `OnUnauthorized`
 */
export class RefreshLoop implements Part {
  readonly name = "credentials";
  readonly #options: RefreshLoopOptions;
  readonly #reprobeMs: number;
  readonly #listeners = new Set<() => void>();
  #life: CredentialLife | undefined;
  #state: RefreshState = "starting";
  #lastError: string | undefined;
  #lastRefreshMs: number | undefined;
  #failures = 0;
  /** Monotonic: the next request may not start earlier, but for a wake. */
  #notBeforeMs = -Infinity;
  #lastStartMs = -Infinity;
  #wanted = false;
  #stop: AbortSignal | undefined;
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(options: RefreshLoopOptions) {
    this.#options = options;
    this.#reprobeMs = options.reprobeIntervalMs ?? 600_000;
    const { store, hide, io } = options;
    const kept = store.carrier;
    if (!kept) return;
    hide(kept);
    const life = CredentialLife.restored(kept, io.clock);
    if (!life) return;
    this.#life = life;
    this.#lastRefreshMs = life.issuedAtMs;
    this.#state = "fresh";
  }

  /** The credentials for a connection that is made now; never expired ones. */
  current(): CarrierCredentials | undefined {
    const life = this.#life;
    return life && !life.isOver ? life.credentials : undefined;
  }

  get status(): RefreshStatus {
    const { clock } = this.#options.io;
    const life = this.#life;
    return {
      state: this.#state,
      ...(life ? { expiresAtMs: life.expiresAtMs } : {}),
      ...(this.#lastRefreshMs === undefined
        ? {}
        : { lastRefreshMs: this.#lastRefreshMs }),
      nextRefreshMs: clock.now() + this.#waitMs,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  /**
   * Calls `listener` when there are other credentials, or none can be had.
   *
   * @returns what ends the calls.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Renews the credentials if that is due; whoever asks meanwhile shares the
   * request. It asks nobody while the wait after a failure lasts, and never
   * throws for one: {@linkcode current} says what there is.
   *
   * @returns whether they were renewed.
   * @throws the reason of `signal`.
   */
  async refreshNowIfDue(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const before = this.#life;
    if (!this.#running && !(this.#isDue && this.#mayStart)) return false;
    await orAborted(this.#refresh(), signal);
    return this.#life !== before;
  }

  /** The machine woke up, or the bus is there again: no wait holds any more. */
  woke(): void {
    if (this.#state === "retrying") this.#notBeforeMs = -Infinity;
    this.#wake?.();
  }

  /** The bus has refused the credentials, whatever their expiry says. */
  rejected(credentials: CarrierCredentials): void {
    if (this.#life?.credentials !== credentials) return;
    this.#wanted = true;
    this.#wake?.();
  }

  /** The node has other credentials for the control plane: a refusal is over. */
  renewed(): void {
    this.#notBeforeMs = -Infinity;
    this.#wanted = true;
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#stop = signal;
    while (!signal.aborted) {
      if (this.#isDue && this.#mayStart) await this.#refresh();
      else await this.#sleep(signal);
    }
    await this.#running;
  }

  get #isDue(): boolean {
    return this.#wanted || !this.#life || this.#life.isDue;
  }

  get #mayStart(): boolean {
    return this.#options.io.clock.elapsed() >= this.#earliestMs;
  }

  get #earliestMs(): number {
    return Math.max(this.#notBeforeMs, this.#lastStartMs + MIN_GAP_MS);
  }

  /** Until the next request, in ms. */
  get #waitMs(): number {
    const { clock } = this.#options.io;
    const due = this.#isDue ? 0 : this.#life!.dueInMs;
    return Math.max(0, due, this.#earliestMs - clock.elapsed());
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const wait = Math.min(this.#waitMs, LOOK_MS);
    await this.#options.io.clock
      .sleep(wait, AbortSignal.any([signal, woken.signal]))
      .catch(() => {});
    this.#wake = undefined;
  }

  #refresh(): Promise<void> {
    return this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
    });
  }

  /** One request. Never rejects. */
  async #ask(): Promise<void> {
    const { fetch, io } = this.#options;
    const { clock } = io;
    // Without a run there is nobody to stop it but its own time-out.
    const signal = this.#stop ?? new AbortController().signal;
    const asked = { wallMs: clock.now(), elapsedMs: clock.elapsed() };
    this.#lastStartMs = asked.elapsedMs;
    try {
      const fetched = await fetch(signal);
      this.#options.hide(fetched);
      await this.#take(CredentialLife.fetched(fetched, asked, clock));
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  async #take(life: CredentialLife): Promise<void> {
    const { store, io, onNews } = this.#options;
    const { expires_at: expiresAt } = life.credentials;
    this.#life = life;
    this.#wanted = false;
    this.#failures = 0;
    this.#notBeforeMs = -Infinity;
    this.#lastRefreshMs = io.clock.now();
    this.#lastError = undefined;
    this.#enter("fresh");
    try {
      await store.saveCarrier(life.credentials);
    } catch (error) {
      // They work all the same; only a restart will have to ask again.
      io.log.warn("Carrier credentials not stored", {
        error: describeError(error),
      });
    }
    io.log.info("Carrier credentials refreshed", { expires_at: expiresAt });
    onNews?.({ type: "refreshed", expiresAt });
    this.#changed();
  }

  #failed(error: unknown) {
    const { io, onNews } = this.#options;
    const { clock, random, log } = io;
    const state = stateAfter(error);
    const known = error instanceof ControlError ? error : undefined;
    const asked = Math.min(known?.retryAfterMs ?? 0, RETRY_AFTER_CAP_MS);
    const unit = () => random.unit();
    const waitMs = state === "retrying"
      ? Math.max(backoffMs(this.#failures++, unit, BACKOFF), MIN_GAP_MS)
      : backoffMs(0, unit, { baseMs: this.#reprobeMs, maxMs: this.#reprobeMs });
    this.#notBeforeMs = clock.elapsed() + Math.max(waitMs, asked);
    this.#lastError = describeError(error);
    const isNews = this.#state !== state;
    this.#enter(state);
    const fields = { error: this.#lastError, wait_ms: Math.round(waitMs) };
    if (state === "retrying") {
      log.warn("Carrier credentials not refreshed", fields);
    } else if (isNews) {
      log.info("No carrier credentials here", { state, ...fields });
    }
    if (isNews && state === "unauthorized") {
      onNews?.({ type: "unauthorized", error });
    }
    this.#changed();
  }

  #enter(state: RefreshState) {
    const before = this.#state;
    this.#state = state;
    // A failure on the way says nothing about whether the node is accepted.
    if (before === "unauthorized" && state === "retrying") {
      this.#state = before;
      return;
    }
    // Also told by a loop that is new: a former one may have been unauthorized.
    const isAnswer = state === "no_bus" || state === "refused";
    if (state !== before && (before === "unauthorized" || isAnswer)) {
      this.#options.onNews?.({ type: "authorized" });
    }
  }

  #changed() {
    for (const listener of this.#listeners) listener();
  }
}

/** What a failed request means for the next one. */
function stateAfter(error: unknown): RefreshState {
  if (!(error instanceof ControlError)) return "retrying";
  const { kind, status } = error;
  switch (kind) {
    case "unauthorized":
      return "unauthorized";
    case "forbidden":
      return "refused";
    case "not_found":
    case "unsupported":
      return "no_bus";
    default:
      return status === 501 || status === 405 ? "no_bus" : "retrying";
  }
}
