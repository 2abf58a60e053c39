import type { Clock } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";
import { RejectedEventError } from "../trust/verify_event.ts";
import type { Receipt } from "../store/receipt_log.ts";
import { StoreWriteError } from "../store/store_errors.ts";
import type { SseMessage } from "../uplink/sse_parser.ts";
import type { Envelope, VerifiedEvent } from "../wire/envelope.ts";
import {
  MalformedEnvelopeError,
  parseEnvelope,
} from "../wire/parse_envelope.ts";
import { ShapeError } from "../wire/shape_error.ts";
import type { Handler } from "./handler.ts";
import { RefusedEventError } from "./refused_event_error.ts";
import { RejectionLog } from "./rejection_log.ts";

/** Turns envelopes into verified events. */
export interface DispatchVerifier {
  /** @throws {RejectedEventError} */
  verify(envelope: Envelope): VerifiedEvent;
  /** Lets an event come again whose effect could not be made durable. */
  release(event: VerifiedEvent): void;
}

/** Remembers, durably, which events have been taken. */
export interface DispatchLedger {
  hasApplied(eventId: string): boolean;
  record(receipts: readonly Receipt[]): Promise<void>;
}

/** Options for {@linkcode Dispatcher}. */
export interface DispatcherOptions {
  readonly verifier: DispatchVerifier;
  readonly ledger: DispatchLedger;
  /** Handlers by event type, in the order in which they run. */
  readonly handlers: ReadonlyMap<string, readonly Handler[]>;
  /** Asks for a pull of the whole state, for the reason given. */
  readonly pull: (reason: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** Most events whose effect is not durable yet. @default {1024} */
  readonly maxInFlight?: number;
}

/** What became of the events so far. */
export interface DispatchStatus {
  readonly applied: number;
  readonly repeated: number;
  readonly lastAppliedMs?: number;
  readonly rejected: Readonly<Record<string, number>>;
}

/** An event on its way to disk, in the order of the stream. */
interface Pending {
  readonly event: VerifiedEvent;
  readonly receipt: Receipt;
  readonly repeated: boolean;
  state: "running" | "done" | "failed";
  readonly settled: Promise<void>;
  error?: unknown;
}

/**
 * Takes messages of the stream through verification to their handlers.
 *
 * Verification is strictly one after another. Effects run ahead, so that many
 * share one commit, but receipts (nonce, event id, cursor) are recorded in the
 * order of the stream and only once the effect is durable. A crash can
 * therefore repeat an event, which does no harm, but never lose one.
 *
 * @see design, section 5 "From wire to workload"
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #rejections: RejectionLog;
  readonly #maxInFlight: number;
  #pending: Pending[] = [];
  #recording: Promise<void> | undefined;
  #room: (() => void) | undefined;
  #failure: unknown;
  #applied = 0;
  #repeated = 0;
  #lastAppliedMs: number | undefined;

  constructor(options: DispatcherOptions) {
    const { maxInFlight = 1024, clock, log } = options;
    if (!(maxInFlight >= 1)) {
      throw new RangeError(
        `Cannot dispatch as "maxInFlight" must be >= 1: current value is ${maxInFlight}`,
      );
    }
    this.#options = options;
    this.#maxInFlight = maxInFlight;
    this.#rejections = new RejectionLog(clock, log);
  }

  get status(): DispatchStatus {
    return {
      applied: this.#applied,
      repeated: this.#repeated,
      ...(this.#lastAppliedMs === undefined
        ? {}
        : { lastAppliedMs: this.#lastAppliedMs }),
      rejected: this.#rejections.counts,
    };
  }

  /**
   * Takes one message. Resolves when the next may come, which is before this
   * one's effect is durable, unless too many are under way.
   *
   * @throws {StoreWriteError} when an earlier effect could not be stored: the
   * stream has to start again from the cursor.
   */
  async accept(message: SseMessage): Promise<void> {
    this.#throwFailure();
    const event = this.#verify(message);
    if (!event) return;
    const handlers = this.#options.handlers.get(event.type) ?? [];
    const barrier = handlers.some((handler) => handler.barrier);
    if (barrier) await this.drain();
    this.#add(event, message.id, handlers);
    if (barrier) return await this.drain();
    while (this.#pending.length >= this.#maxInFlight) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#room = resolve;
      await promise;
    }
    this.#throwFailure();
  }

  /**
   * Resolves when everything taken so far is durable and recorded.
   *
   * @throws {StoreWriteError} when something could not be.
   */
  async drain(): Promise<void> {
    while (this.#recording) await this.#recording;
    this.#throwFailure();
  }

  #verify(message: SseMessage): VerifiedEvent | undefined {
    try {
      return this.#options.verifier.verify(parseEnvelope(message.data));
    } catch (error) {
      if (error instanceof MalformedEnvelopeError) {
        this.#rejections.add("malformed", { id: message.id });
      } else if (error instanceof RejectedEventError) {
        this.#rejections.add(error.kind, { id: message.id });
      } else throw error;
      return undefined;
    }
  }

  #add(event: VerifiedEvent, cursor: string, handlers: readonly Handler[]) {
    const { type, id: eventId, nonce, issuedAtMs } = event;
    const repeated = this.#options.ledger.hasApplied(eventId);
    const effect = repeated ? Promise.resolve() : this.#handle(event, handlers);
    const receipt = {
      eventId,
      type,
      nonce,
      issuedAtMs,
      ...(cursor === "" ? {} : { cursor }),
    };
    const pending: Pending = {
      event,
      receipt,
      repeated,
      state: "running",
      settled: effect.then(() => {
        pending.state = "done";
      }, (error) => {
        pending.state = "failed";
        pending.error = error;
      }),
    };
    this.#pending.push(pending);
    this.#recording ??= this.#record().finally(() => {
      this.#recording = undefined;
    });
  }

  /** Records what is done, in order, as much at once as there is. */
  async #record(): Promise<void> {
    while (this.#pending.length > 0) {
      await this.#pending[0]!.settled;
      const notDone = this.#pending.findIndex((one) => one.state !== "done");
      const done = notDone < 0
        ? [...this.#pending]
        : this.#pending.slice(0, notDone);
      if (done.length === 0) return this.#fail(this.#pending[0]!.error);
      try {
        await this.#options.ledger.record(done.map((one) => one.receipt));
      } catch (error) {
        return this.#fail(error);
      }
      this.#pending.splice(0, done.length);
      this.#count(done);
      this.#wake();
    }
  }

  #count(done: readonly Pending[]) {
    const repeated = done.filter((one) => one.repeated).length;
    this.#repeated += repeated;
    this.#applied += done.length - repeated;
    this.#lastAppliedMs = this.#options.clock.now();
  }

  /**
   * Something is not on disk. Whatever came after it must come again, too, or
   * the cursor would pass it; all effects can be repeated without harm.
   */
  #fail(error: unknown) {
    this.#failure = error;
    for (const { event } of this.#pending) {
      this.#options.verifier.release(event);
    }
    this.#pending = [];
    this.#options.log.error("Event effect not stored", {
      error: describeError(error),
    });
    this.#options.pull("an event's effect could not be stored");
    this.#wake();
  }

  #wake() {
    this.#room?.();
    this.#room = undefined;
  }

  #throwFailure() {
    const failure = this.#failure;
    if (failure === undefined) return;
    this.#failure = undefined;
    throw failure;
  }

  /** Runs all handlers; only a failed disk write makes the event come again. */
  async #handle(event: VerifiedEvent, handlers: readonly Handler[]) {
    const { log } = this.#options;
    const { type, id } = event;
    if (handlers.length === 0) {
      log.debug("Event without a handler", { event_type: type, event_id: id });
      return;
    }
    // Each is started in turn, so that effects keep the order of the stream.
    const effects = handlers.map((handler) => this.#guard(event, handler));
    await Promise.all(effects);
    log.info("Event applied", { event_type: type, event_id: id });
  }

  async #guard(event: VerifiedEvent, handler: Handler): Promise<void> {
    const { log, pull } = this.#options;
    const named = { event_type: event.type, event_id: event.id };
    try {
      await handler.handle(event);
    } catch (error) {
      if (error instanceof StoreWriteError) throw error;
      if (error instanceof RefusedEventError) {
        this.#rejections.add(error.kind, { ...named, error: error.message });
        pull(`event refused: ${error.kind}`);
        return;
      }
      const reason = error instanceof ShapeError ? "payload" : "handler";
      this.#rejections.add(reason);
      log.error("Event handler failed", {
        ...named,
        error: describeError(error),
      });
      pull(`event handler failed: ${reason}`);
    }
  }
}
