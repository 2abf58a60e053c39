import type { Clock } from "../platform/clock.ts";
import { formatMessage, type LogFields, type Logger } from "../platform/log.ts";
import { Repeats, TOLD_ONE_BY_ONE } from "./repeats.ts";

/**
 * The same log, in which warnings and errors that are said again and again are
 * told now and then, with how often in `said`; at "debug" in between. What has
 * to be tried again for as long as the agent runs would fill the log otherwise.
 */
export function calmLog(log: Logger, clock: Clock): Logger {
  return calmed(log, new Repeats(clock), {});
}

function calmed(log: Logger, repeats: Repeats, fields: LogFields): Logger {
  const at =
    (level: "warn" | "error") => (message: string, extra?: LogFields) => {
      const text = formatMessage(message, { ...fields, ...extra });
      const count = repeats.count(text);
      if (count === undefined) log.debug(message, extra);
      else if (count <= TOLD_ONE_BY_ONE) log[level](message, extra);
      else log[level](message, { ...extra, said: count });
    };
  return {
    debug: (message, extra) => log.debug(message, extra),
    info: (message, extra) => log.info(message, extra),
    warn: at("warn"),
    error: at("error"),
    with: (more) => calmed(log.with(more), repeats, { ...fields, ...more }),
  };
}
