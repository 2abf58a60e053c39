import { isoTime } from "../platform/clock.ts";
import type { Clock } from "../platform/clock.ts";
import {
  formatMessage,
  type LogFields,
  type LogLevel,
} from "../platform/log.ts";
import { scrub } from "../platform/scrub.ts";
import type { LogEntry } from "../wire/bodies.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import { Repeats, TOLD_ONE_BY_ONE } from "./repeats.ts";

/** Options for {@linkcode LogForwarder}. */
export interface LogForwarderOptions {
  readonly hostname: string;
  /** Most entries that are kept until they are drained. */
  readonly limit: number;
  /** Credentials in use, which no entry may hold. */
  readonly secrets: () => readonly string[];
  readonly clock: Clock;
}

/** What is forwarded, and how the control plane calls it. */
const SEVERITY: Readonly<Partial<Record<LogLevel, LogEntry["severity"]>>> = {
  warn: "warning",
  error: "err",
};

/** So that a hundred entries stay a small request. */
const LONGEST_MESSAGE = 2_048;

/**
 * Takes the agent's own warnings and errors, as entries for the control plane.
 * What is said again and again is told now and then, with its count.
 *
 * @see docs/wire.md, section a.6 "Log"
 */
export class LogForwarder {
  readonly #options: LogForwarderOptions;
  readonly #queue: BoundedQueue<LogEntry>;
  readonly #repeats: Repeats;

  constructor(options: LogForwarderOptions) {
    this.#options = options;
    this.#repeats = new Repeats(options.clock);
    this.#queue = new BoundedQueue(options.limit);
  }

  /** Entries that wait to be drained. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Entries that were pushed out before they were drained. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /** Listener for a log. Never throws: it must not cost the log its record. */
  readonly hear = (
    level: LogLevel,
    message: string,
    fields: LogFields,
  ): void => {
    const severity = SEVERITY[level];
    if (severity === undefined) return;
    const { hostname, secrets, clock } = this.#options;
    // Scrubbed first: half a credential would not be recognised.
    const text = scrub(formatMessage(message, fields), secrets());
    const count = this.#repeats.count(text);
    if (count === undefined) return;
    const again = count > TOLD_ONE_BY_ONE ? ` said=${count}` : "";
    this.#queue.add([{
      timestamp: isoTime(clock.now()),
      source: "plexd",
      unit: "plexd",
      message: startOf(text, LONGEST_MESSAGE - again.length) + again,
      severity,
      hostname,
    }]);
  };

  /** Gives everything that has come up, once. */
  drain(): LogEntry[] {
    return this.#queue.take();
  }
}

function startOf(text: string, length: number): string {
  // A file's name, or what a server says, can hold half a character.
  if (text.length <= length) return text.toWellFormed();
  return `${text.slice(0, length - 1).toWellFormed()}…`;
}
