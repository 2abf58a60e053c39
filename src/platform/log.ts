import type { Clock } from "./clock.ts";
import { isoTime } from "./clock.ts";
import { inPlainWords } from "./runtime_words.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Named values beside a log sentence. Never a token, key or secret value. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured log: a constant sentence, so that it can be counted and searched,
 * plus fields.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with `fields` added to every record. */
  with(fields: LogFields): Logger;
}

/** One record, before it becomes text. */
export interface LogRecord {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Options for {@linkcode createLogger}. */
export interface LoggerOptions {
  readonly clock: Clock;
  /** Least important level that is written. @default {"info"} */
  readonly level?: LogLevel;
  /** Turns a record into one line of text without its newline. */
  readonly format: (record: LogRecord) => string;
  /** Takes one finished line, newline included. */
  readonly write: (line: string) => void;
}

/** Builds a logger that writes each record as one line. */
export function createLogger(
  options: LoggerOptions,
  fields: LogFields = {},
): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level ?? "info");
  const at = (level: LogLevel) => (message: string, extra?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const time = isoTime(options.clock.now());
    const record = { time, level, message, fields: { ...fields, ...extra } };
    options.write(options.format(record) + "\n");
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (more) => createLogger(options, { ...fields, ...more }),
  };
}

/** Hears each record of a log, whatever its level. It must not throw. */
export type LogListener = (
  level: LogLevel,
  message: string,
  fields: LogFields,
) => void;

/** The same log; `heard` is told of every record, too. */
export function teeLogger(
  log: Logger,
  heard: LogListener,
  fields: LogFields = {},
): Logger {
  const at = (level: LogLevel) => (message: string, extra?: LogFields) => {
    log[level](message, extra);
    heard(level, message, { ...fields, ...extra });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (more) => teeLogger(log.with(more), heard, { ...fields, ...more }),
  };
}

/** One JSON object a line: `time`, `level`, `msg`, then the fields. */
export function formatJsonLine(record: LogRecord): string {
  const { time, level, message, fields } = record;
  const head = { time, level, msg: message };
  // Named twice: they stand first, and no field of that name replaces them.
  return stringifySafely({ ...head, ...fields, ...head });
}

/** A line for a person at a terminal. */
export function formatTextLine(record: LogRecord): string {
  const { time, level, message, fields } = record;
  const head = `${time.slice(11, 23)} ${level.toUpperCase().padEnd(5)}`;
  return `${head} ${formatMessage(message, fields)}`;
}

/** A sentence and its fields on one line, without control characters. */
export function formatMessage(message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([name, value]) =>
    ` ${escapeControls(name)}=${quoteIfNeeded(textOf(value))}`
  );
  return `${escapeControls(message)}${pairs.join("")}`;
}

/** JSON that never throws: a log line must not be lost to a cycle or a BigInt. */
function stringifySafely(value: unknown): string {
  const seen = new WeakSet<object>();
  try {
    return JSON.stringify(value, (_name, item: unknown) => {
      if (typeof item === "bigint") return item.toString();
      if (item instanceof Error) return describeError(item);
      if (typeof item !== "object" || item === null) return item;
      if (seen.has(item)) return "[seen above]";
      seen.add(item);
      return item;
    }) ?? "null";
  } catch {
    // A getter that throws, or nesting too deep for the stack.
    return '{"level":"error","msg":"A log record could not be written"}';
  }
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return describeError(value);
  return typeof value === "bigint" ? String(value) : stringifySafely(value);
}

function quoteIfNeeded(text: string): string {
  if (/^[^\s"=\p{Cc}\p{Cf}]+$/u.test(text)) return text;
  return escapeControls(JSON.stringify(text));
}

/** Text from outside must neither begin a new line nor steer the terminal. */
function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`,
  );
}

/** Deepest chain of causes that is told; a chain may also lead back to itself. */
const MAX_CAUSES = 8;

/** An error and its causes in one line, for log fields and messages. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let seen = 0;
  for (let at = error; at !== undefined; at = at.cause) {
    if (seen++ === MAX_CAUSES) {
      parts.push("…");
      break;
    }
    if (!(at instanceof Error)) {
      parts.push(typeof at === "object" ? stringifySafely(at) : String(at));
      break;
    }
    const text = at.message || at.name;
    // Some quote their cause already, in its own words or in plain ones.
    const isQuoted = inPlainWords(parts.at(-1) ?? "")
      .endsWith(inPlainWords(text));
    if (!isQuoted) parts.push(text);
  }
  return inPlainWords(parts.join(": ")) || String(error);
}
