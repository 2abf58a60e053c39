import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { askRunningAgent, NoAnswerError } from "./ask_running_agent.ts";

/** Far more than an agent needs for it; a bundle is made without, then. */
const LIMIT_MS = 10_000;

/**
 * The last lines that the running agent has logged, without credentials.
 *
 * @throws {NoAnswerError | RequestPendingError}
 * @throws {Error} of the system when this user may not ask.
 */
export async function recentLogOf(
  config: Config,
  io: Platform,
  stop: AbortSignal,
): Promise<readonly string[]> {
  const { log, message } = await askRunningAgent(
    { config, timeoutMs: LIMIT_MS, io, stop },
    { kind: "recent_log" },
  );
  if (!log) throw new NoAnswerError(`The agent could not do it: ${message}`);
  return log;
}
