import type { Clock } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";
import { RejectedEventError } from "../trust/rejected_event_error.ts";
import type { Receipt } from "../store/receipt_log.ts";
import { StoreWriteError } from "../store/store_errors.ts";
import type { CarriedMessage, Delivery } from "../uplink/message_sink.ts";
import type { VerifiedEvent } from "../wire/envelope.ts";
import { ALL_EVENT_TYPES } from "../wire/event_types.ts";
import { MalformedEnvelopeError } from "../wire/envelope_members.ts";
import { ShapeError } from "../wire/shape_error.ts";
import type { Effect, Handler } from "./handler.ts";
import { RefusedEventError } from "./refused_event_error.ts";
import { type RejectionListener, RejectionLog } from "./rejection_log.ts";

/** Turns the data of stream messages into verified events. */
export interface DispatchReader {
  /** @throws {MalformedEnvelopeError | RejectedEventError} */
  read(data: string): VerifiedEvent;
  /** Lets an event come again whose effect could not be made durable. */
  release(event: VerifiedEvent): void;
}

/** Remembers, durably, which events have been taken. */
export interface DispatchLedger {
  hasApplied(eventId: string): boolean;
  /** What brought an event that was taken. */
  carrierOf(eventId: string): CarriedMessage["carrier"];
  record(receipts: readonly Receipt[]): Promise<void>;
}

/** Options for {@linkcode Dispatcher}. */
export interface DispatcherOptions {
  readonly reader: DispatchReader;
  readonly ledger: DispatchLedger;
  /** Handlers by event type, in the order in which they run. */
  readonly handlers: ReadonlyMap<string, readonly Handler[]>;
  /** Takes events of all other types; without it they are left alone. */
  readonly otherwise?: Handler;
  /** Asks for a pull of the whole state, for the reason given. */
  readonly pull: (reason: string) => void;
  /**
   * Whether a pull that was asked for has yet to succeed: until then something
   * is missing, and no event confirms the state. @default never
   */
  readonly isPullOwed?: () => boolean;
  /**
   * Hears at once that an effect could not be stored, before {@linkcode
   * Dispatcher.accept} says so to the next event, for which there may be a long
   * wait.
   */
  readonly onNotStored?: (error: unknown) => void;
  /** Hears of refused events, at most once a second for each reason. */
  readonly onRefused?: RejectionListener;
  readonly clock: Clock;
  readonly log: Logger;
  /** Most events whose effect is not durable yet. @default {1024} */
  readonly maxInFlight?: number;
}

/** What became of the events so far. */
export interface DispatchStatus {
  readonly applied: number;
  /** Verified, but what it brings was durable already. */
  readonly repeated: number;
  /** Verified, but of a type that this agent does nothing about. */
  readonly unhandled: number;
  /** Verified events by type; types that nothing is known of are `other`. */
  readonly byType: Readonly<Record<string, number>>;
  /** When an event was last applied or repeated, ms since the Unix epoch. */
  readonly lastAppliedMs?: number;
  /** Refused events by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Those in a row, up to the latest, that no trusted key has signed. */
  readonly unsigned?: UnsignedEvents;
}

/** Events that are fresh and whole, but of a signer whom nobody knows. */
export interface UnsignedEvents {
  readonly count: number;
  /** When the first of them came, ms since the Unix epoch. */
  readonly sinceMs: number;
}

/** What it is called when no trusted key has signed an event. */
const UNSIGNED: readonly RejectedEventError["kind"][] = [
  "signature",
  "unknown_key_id",
];

/** As much of a key's name is logged: nobody has vouched for its length. */
const SHOWN_KEY_ID = 128;

/** What became of one verified event. */
type Outcome = "applied" | "repeated" | "unhandled" | "refused";

/** Hears what became of a message. */
type Settled = (delivery: Delivery) => void;

/** An event on its way to disk, in the order of the stream. */
interface Pending {
  readonly told: Settled[];
  readonly event: VerifiedEvent;
  readonly receipt: Receipt;
  readonly settled: Promise<void>;
  result: "running" | Outcome | { readonly error: unknown };
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
  /** The first of each id among them: no ledger knows them yet. */
  readonly #underWay = new Map<string, Pending>();
  #recording: Promise<void> | undefined;
  #room: (() => void) | undefined;
  #failure: unknown;
  readonly #byType = new Map<string, number>();
  readonly #counts = { applied: 0, repeated: 0, unhandled: 0, refused: 0 };
  #lastAppliedMs: number | undefined;
  #lastConfirmedMs: number | undefined;
  #unsigned: UnsignedEvents | undefined;

  constructor(options: DispatcherOptions) {
    const { maxInFlight = 1024, onRefused, clock, log } = options;
    if (!(maxInFlight >= 1)) {
      throw new RangeError(
        `Cannot dispatch as "maxInFlight" must be >= 1: current value is ${maxInFlight}`,
      );
    }
    this.#options = options;
    this.#maxInFlight = maxInFlight;
    this.#rejections = new RejectionLog(clock, log, onRefused);
  }

  get status(): DispatchStatus {
    const { applied, repeated, unhandled } = this.#counts;
    return {
      applied,
      repeated,
      unhandled,
      ...(this.#lastAppliedMs === undefined
        ? {}
        : { lastAppliedMs: this.#lastAppliedMs }),
      byType: Object.fromEntries(this.#byType),
      rejected: this.#rejections.counts,
      ...(this.#unsigned ? { unsigned: this.#unsigned } : {}),
    };
  }

  /**
   * When an event last confirmed the state, as one does that is taken while
   * nothing is missing; asked on every read of the local API.
   */
  get lastConfirmedMs(): number | undefined {
    return this.#lastConfirmedMs;
  }

  /**
   * Takes one message. Resolves when the next may come, which is before this
   * one's effect is durable, unless too many are under way.
   *
   * @param told Hears what became of the message once that is durable.
   * @throws {StoreWriteError} when an earlier effect could not be stored: the
   * stream has to start again from the cursor.
   */
  async accept(
    message: CarriedMessage,
    told: Settled = () => {},
  ): Promise<void> {
    this.#throwFailure();
    const event = this.#verify(message, told);
    if (!event) return;
    const handlers = this.#handlersOf(event.type);
    // Several take turns: only alone does that keep the order of the stream.
    const barrier = handlers.length > 1 ||
      handlers.some((handler) => handler.barrier);
    if (barrier) await this.#drainBefore(event);
    this.#add(event, message, handlers, told);
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

  /** What stands before `event` has failed: then this one comes again, too. */
  async #drainBefore(event: VerifiedEvent): Promise<void> {
    try {
      await this.drain();
    } catch (error) {
      this.#options.reader.release(event);
      throw error;
    }
  }

  #handlersOf(type: string): readonly Handler[] {
    const { handlers, otherwise } = this.#options;
    return handlers.get(type) ?? (otherwise ? [otherwise] : []);
  }

  #verify(message: CarriedMessage, told: Settled): VerifiedEvent | undefined {
    try {
      const event = this.#options.reader.read(message.data);
      this.#unsigned = undefined;
      return event;
    } catch (error) {
      const cursor = message.id;
      if (error instanceof RejectedEventError) {
        if (this.#isSecondCopy(error, message, told)) return undefined;
        if (UNSIGNED.includes(error.kind)) this.#noteUnsigned();
        const key_id = error.keyId?.slice(0, SHOWN_KEY_ID);
        this.#rejections.add(error.kind, {
          cursor,
          ...(key_id ? { key_id } : {}),
        });
      } else if (error instanceof MalformedEnvelopeError) {
        this.#rejections.add("malformed", { cursor, error: error.message });
      } else {
        // Thrown on, it would end the stream, and come again after each connect.
        const text = describeError(error);
        this.#rejections.add("unverifiable", { cursor, error: text });
      }
      told("refused");
      return undefined;
    }
  }

  #noteUnsigned() {
    const { count = 0, sinceMs = this.#options.clock.now() } = this.#unsigned ??
      {};
    this.#unsigned = { count: count + 1, sinceMs };
  }

  /**
   * An authentic event that was here: nobody replays it where its carrier says
   * itself that it comes again, or where another carrier has brought it. The
   * control plane may use one signature on both.
   */
  #isSecondCopy(
    { kind, eventId }: RejectedEventError,
    { carrier = "sse", redelivered = false }: CarriedMessage,
    told: Settled,
  ): boolean {
    if (kind !== "replay" || eventId === undefined) return false;
    const { ledger, log } = this.#options;
    const pending = this.#pending.find(({ event }) => event.id === eventId);
    const first = pending
      ? pending.receipt.carrier ?? "sse"
      : ledger.carrierOf(eventId);
    if (first === undefined || (first === carrier && !redelivered)) {
      return false;
    }
    log.debug("Event repeated", { event_id: eventId, carrier });
    this.#counts.repeated++;
    if (pending) pending.told.push(told);
    else told("taken");
    return true;
  }

  #add(
    event: VerifiedEvent,
    { id: cursor, carrier }: CarriedMessage,
    handlers: readonly Handler[],
    told: Settled,
  ) {
    const { type, id: eventId, nonce, issuedAtMs } = event;
    const receipt = {
      eventId,
      type,
      ...(nonce === undefined ? {} : { nonce }),
      issuedAtMs,
      ...(cursor === "" ? {} : { cursor }),
      ...(carrier === "nats" ? { carrier } : {}),
    };
    const pending: Pending = {
      told: [told],
      event,
      receipt,
      result: "running",
      settled: this.#handle(event, handlers).then((outcome) => {
        pending.result = outcome;
      }, (error: unknown) => {
        pending.result = { error };
      }),
    };
    this.#pending.push(pending);
    if (!this.#underWay.has(eventId)) this.#underWay.set(eventId, pending);
    this.#recording ??= this.#record();
  }

  /** Records what is done, in order, as much at once as there is. */
  async #record(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        await this.#pending[0]!.settled;
        const done = this.#settledOnes();
        await this.#options.ledger.record(done.map((one) => one.receipt));
        this.#pending.splice(0, done.length);
        for (const one of done) this.#forget(one);
        this.#count(done);
        for (const { told, result } of done) {
          const delivery = result === "refused" ? "refused" : "taken";
          for (const tell of told) tell(delivery);
        }
        this.#wake();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      // Here and not by the promise's own end: between the two an event could
      // come that nobody would record.
      this.#recording = undefined;
    }
  }

  #forget(pending: Pending) {
    const { id } = pending.event;
    if (this.#underWay.get(id) === pending) this.#underWay.delete(id);
  }

  /**
   * The events at the front whose effects are durable.
   *
   * @throws the error of the first one, when its effect failed.
   */
  #settledOnes(): Pending[] {
    const done: Pending[] = [];
    for (const pending of this.#pending) {
      const { result } = pending;
      if (result === "running") break;
      if (typeof result !== "string") {
        if (done.length === 0) throw result.error;
        break;
      }
      done.push(pending);
    }
    return done;
  }

  /** A bounded number of names, whatever types are sent. */
  #labelOf(type: string): string {
    const { handlers } = this.#options;
    const isKnown = handlers.has(type) || ALL_EVENT_TYPES.has(type);
    return isKnown ? type : "other";
  }

  #count(done: readonly Pending[]) {
    const isBehind = this.#options.isPullOwed?.() ?? false;
    for (const { event, result } of done) {
      if (typeof result !== "string" || result === "running") continue;
      this.#counts[result]++;
      const label = this.#labelOf(event.type);
      this.#byType.set(label, (this.#byType.get(label) ?? 0) + 1);
      if (result === "applied" || result === "repeated") {
        this.#lastAppliedMs = this.#options.clock.now();
        if (!isBehind) this.#lastConfirmedMs = this.#lastAppliedMs;
      }
    }
  }

  /**
   * Something is not on disk. Whatever came after it must come again, too, or
   * the cursor would pass it; all effects can be repeated without harm.
   */
  #fail(error: unknown) {
    this.#failure = error;
    const failed = this.#pending;
    this.#pending = [];
    this.#underWay.clear();
    for (const { event, told } of failed) {
      this.#options.reader.release(event);
      for (const tell of told) tell("failed");
    }
    this.#options.log.error("Event effect not stored", {
      error: describeError(error),
    });
    this.#options.pull("an event's effect could not be stored");
    this.#options.onNotStored?.(error);
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

  /** @throws {StoreWriteError} only: the event has to come again then. */
  async #handle(
    event: VerifiedEvent,
    handlers: readonly Handler[],
  ): Promise<Outcome> {
    const { log, ledger } = this.#options;
    const named = { event_type: event.type, event_id: event.id };
    const earlier = this.#underWay.get(event.id);
    if (earlier ? await isTaken(earlier) : ledger.hasApplied(event.id)) {
      log.debug("Event repeated", named);
      return "repeated";
    }
    if (handlers.length === 0) {
      log.debug("Event without a handler", named);
      return "unhandled";
    }
    const taken = await this.#runInTurn(event, handlers);
    if (taken.includes("refused")) return "refused";
    if (!taken.includes("applied")) {
      log.info("Event known already", named);
      return "repeated";
    }
    log.info("Event applied", named);
    return "applied";
  }

  /**
   * One handler after another, in the order in which they were registered; none
   * is left out because one before it has failed.
   *
   * @throws {StoreWriteError} the first one.
   */
  async #runInTurn(
    event: VerifiedEvent,
    handlers: readonly Handler[],
  ): Promise<(Effect | "refused")[]> {
    const taken: (Effect | "refused")[] = [];
    const failures: unknown[] = [];
    for (const handler of handlers) {
      try {
        taken.push(await this.#guard(event, handler));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return taken;
  }

  /** @throws {StoreWriteError} only. */
  async #guard(
    event: VerifiedEvent,
    handler: Handler,
  ): Promise<Effect | "refused"> {
    try {
      return await handler.handle(event);
    } catch (error) {
      if (error instanceof StoreWriteError) throw error;
      this.#refuse(event, error);
      return "refused";
    }
  }

  /** What the event wanted is asked for instead. */
  #refuse({ type, id }: VerifiedEvent, error: unknown) {
    const { log, pull } = this.#options;
    const named = { event_type: type, event_id: id };
    const text = describeError(error);
    if (error instanceof RefusedEventError) {
      this.#rejections.add(error.kind, { ...named, error: text });
      return pull(`event refused: ${error.kind}`);
    }
    const reason = error instanceof ShapeError ? "payload" : "handler";
    this.#rejections.count(reason);
    log.error("Event handler failed", { ...named, reason, error: text });
    pull(`event handler failed: ${reason}`);
  }
}

/** Whether an event that was on its way to disk has got there. */
async function isTaken(earlier: Pending): Promise<boolean> {
  await earlier.settled;
  if (typeof earlier.result === "string") return true;
  throw earlier.result.error;
}
