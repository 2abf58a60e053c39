import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import type { StateChangeNote } from "../store/request_file.ts";
import { askRunningAgent, NoAnswerError } from "./ask_running_agent.ts";

/** What {@linkcode reconcileNow} works with. */
export interface ReconcileOptions {
  readonly config: Config;
  readonly io: Platform;
  readonly stop: AbortSignal;
}

/** What a pull has changed. */
export interface Reconciled {
  /** The first ones, by kind and key. */
  readonly changes: readonly StateChangeNote[];
  /** All of them. */
  readonly total: number;
}

/** The pull was made, and brought nothing that could be used. */
export class ReconcileError extends Error {
  override readonly name = "ReconcileError";

  constructor(readonly kind: "unavailable" | "refused", message: string) {
    super(message);
  }
}

/** Beside the call itself, one that is under way may have to end first. */
const AGENT_TURNS_MS = 30_000;

/**
 * Has the running agent pull the state at once. The request goes through the
 * membership's folder: the sockets of workloads start no pull.
 *
 * @throws {ReconcileError | NoAnswerError | AgentNotEnrolledError}
 * @throws {RequestPendingError} when another command is waiting.
 * @throws {Error} of the system when this user may not ask.
 */
export async function reconcileNow(
  { config, io, stop }: ReconcileOptions,
): Promise<Reconciled> {
  const timeoutMs = 2 * config["api.request_timeout"] + AGENT_TURNS_MS;
  const { outcome, message, changes = [], total = changes.length } =
    await askRunningAgent({ config, timeoutMs, io, stop }, {
      kind: "reconcile",
    });
  switch (outcome) {
    case "done":
      return { changes, total };
    case "failed":
      throw new NoAnswerError(`The agent could not do it: ${message}`);
    default:
      throw new ReconcileError(outcome, message);
  }
}
