import type { LogFields, Logger, LogLevel } from "./log.ts";

/** A log whose level and form can change while everybody holds it. */
export interface LiveLogger {
  readonly log: Logger;
  /** Whatever is logged from now on goes there, by all who hold the log. */
  use(next: Logger): void;
}

/** A log that writes to `first` until it is told otherwise. */
export function liveLogger(first: Logger): LiveLogger {
  let current = first;
  const withFields = (fields: LogFields): Logger => {
    const at = (level: LogLevel) => (message: string, extra?: LogFields) =>
      current[level](message, { ...fields, ...extra });
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      with: (more) => withFields({ ...fields, ...more }),
    };
  };
  return {
    log: withFields({}),
    use(next) {
      current = next;
    },
  };
}
