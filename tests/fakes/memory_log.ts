import type { LogFields, Logger, LogLevel } from "../../src/platform/log.ts";

export interface LoggedLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps every record, so a test can look at what was logged. */
export class MemoryLog implements Logger {
  constructor(
    readonly lines: LoggedLine[] = [],
    readonly fields: LogFields = {},
  ) {}

  debug(message: string, fields?: LogFields): void {
    this.#add("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#add("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#add("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#add("error", message, fields);
  }

  with(fields: LogFields): Logger {
    return new MemoryLog(this.lines, { ...this.fields, ...fields });
  }

  /** Everything logged, as one text: for asserting that a secret is not in it. */
  get text(): string {
    return this.lines.map((line) => JSON.stringify(line)).join("\n");
  }

  #add(level: LogLevel, message: string, fields: LogFields = {}) {
    this.lines.push({ level, message, fields: { ...this.fields, ...fields } });
  }
}
