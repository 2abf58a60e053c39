import type { Clock } from "../platform/clock.ts";
import { isoTime } from "../platform/clock.ts";
import type { AuditEntry } from "../wire/bodies.ts";
import { BoundedQueue } from "./bounded_queue.ts";

/** Something that was done on the node, or was tried. */
export interface AuditRecord {
  /** Kind of event, such as `secret_read`. */
  readonly eventType: string;
  /** What was done, in a word. */
  readonly action: string;
  /** Who did it. */
  readonly subject: Readonly<Record<string, unknown>>;
  /** What it was done to. Names of secrets, never their values. */
  readonly object: Readonly<Record<string, unknown>>;
  readonly result: AuditEntry["result"];
}

/** Options for {@linkcode AuditTrail}. */
export interface AuditTrailOptions {
  readonly hostname: string;
  /** Most records that are kept until they are drained. */
  readonly limit: number;
  readonly clock: Clock;
}

/** As long as the longest name of a secret. */
const LONGEST_TEXT = 1_024;

/**
 * Notes what has to be accounted for: who read which secret, what was refused,
 * executed or repaired.
 *
 * @see docs/wire.md, section a.6 "Audit"
 */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #queue: BoundedQueue<AuditEntry>;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#queue = new BoundedQueue(options.limit);
  }

  /** Records that wait to be drained. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Records that were pushed out before they were drained. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  record(record: AuditRecord): void {
    const { hostname, clock } = this.#options;
    const { eventType, action, subject, object, result } = record;
    this.#queue.add([{
      timestamp: isoTime(clock.now()),
      source: "plexd",
      event_type: eventType,
      subject: bounded(subject),
      object: bounded(object),
      action,
      result,
      hostname,
      raw: "",
    }]);
  }

  /** Gives everything that was noted, once. */
  drain(): AuditEntry[] {
    return this.#queue.take();
  }
}

/**
 * Texts from outside, such as who asked for an action, in a form and length that
 * every control plane takes: one record that is refused costs all of its batch.
 */
function bounded(
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" ? plain(value) : value,
    ]),
  );
}

function plain(text: string): string {
  return text.slice(0, LONGEST_TEXT).toWellFormed().replaceAll(
    "\0",
    "\u{fffd}",
  );
}
