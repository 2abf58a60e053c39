import { isoTime } from "../platform/clock.ts";
import type { Clock } from "../platform/clock.ts";
import {
  formatMessage,
  type LogFields,
  type LogLevel,
} from "../platform/log.ts";
import { scrub } from "../platform/scrub.ts";

/** Lines that are kept; the oldest gives way. */
const MOST_LINES = 300;
/** Characters of a line that are told. */
const LONGEST_LINE = 1_000;
/** Characters that are kept: a credential cut at this end is never told. */
const KEPT = 4 * LONGEST_LINE;

/**
 * The last lines of the log, for who diagnoses the agent and cannot read where
 * its log goes. In memory only; nothing below "info".
 */
export class RecentLog {
  readonly #clock: Clock;
  readonly #lines: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Hears each record of the log. Never throws. */
  readonly hear = (
    level: LogLevel,
    message: string,
    fields: LogFields,
  ): void => {
    if (level === "debug") return;
    const line = `${isoTime(this.#clock.now())} ${level} ${
      formatMessage(message, fields)
    }`;
    this.#lines.push(line.slice(0, KEPT));
    if (this.#lines.length > MOST_LINES) this.#lines.shift();
  };

  /** Oldest first, without credentials. */
  lines(secrets: readonly string[]): string[] {
    return this.#lines.map((line) =>
      scrub(line, secrets).slice(0, LONGEST_LINE)
    );
  }
}
