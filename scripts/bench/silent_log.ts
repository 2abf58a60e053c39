import type { Logger } from "../../src/platform/log.ts";

/** What is logged while something is prepared is of no interest. */
export const silentLog: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};
