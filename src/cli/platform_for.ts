import type { Config } from "../config/settings.ts";
import { systemClock } from "../platform/clock.ts";
import {
  createLogger,
  formatJsonLine,
  formatTextLine,
} from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import { systemRandom } from "../platform/random.ts";
import { write } from "./write.ts";

/** The machine's clock and randomness, and a log on standard error. */
export function platformFor(
  settings: Pick<Config, "log_level" | "log_format">,
): Platform {
  // Sessions inherit the variable from their unit: a terminal is no journal.
  const inJournal = Deno.env.has("JOURNAL_STREAM") && !Deno.stderr.isTerminal();
  const asJson = settings.log_format === "json" ||
    (settings.log_format === "auto" && inJournal);
  return {
    clock: systemClock,
    random: systemRandom,
    log: createLogger({
      clock: systemClock,
      level: settings.log_level,
      format: asJson ? formatJsonLine : formatTextLine,
      write: (text) => write(Deno.stderr, text.trimEnd()),
    }),
  };
}
