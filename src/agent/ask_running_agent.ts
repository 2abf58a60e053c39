import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { leaveRequest, type NewRequest } from "../store/leave_request.ts";
import type { RequestAnswer } from "../store/request_file.ts";

/** How often a command looks for its answer. */
const POLL_MS = 100;

/** The running agent did not say what became of a request. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** The running agent has no node: it waits to join. */
export class AgentNotEnrolledError extends Error {
  override readonly name = "AgentNotEnrolledError";
}

/** Options for {@linkcode askRunningAgent}. */
export interface AskRunningAgentOptions {
  readonly config: Pick<Config, "data_dir" | "cluster">;
  /** How long to wait for the answer. */
  readonly timeoutMs: number;
  readonly io: Platform;
  readonly stop: AbortSignal;
}

/**
 * Leaves a request for the agent that holds the membership, and waits for its
 * answer. Nothing of it stays behind.
 *
 * @throws {RequestPendingError} when another command is waiting.
 * @throws {NoAnswerError} when no answer came.
 * @throws {AgentNotEnrolledError} for a request that is about a node.
 * @throws {Deno.errors.PermissionDenied} when this user may not ask.
 * @throws {StoreWriteError} when the request cannot be left, as on a full disk.
 */
export async function askRunningAgent(
  { config, timeoutMs, io, stop }: AskRunningAgentOptions,
  request: NewRequest,
): Promise<RequestAnswer> {
  const left = await leaveRequest(
    { dataDir: config.data_dir, cluster: config.cluster, random: io.random },
    request,
  );
  const { clock } = io;
  const endMs = clock.elapsed() + timeoutMs;
  try {
    for (;;) {
      // Asked first: an agent that starts anew takes both away at once.
      const isGone = left.isGone();
      const answer = left.answer();
      if (answer?.reason === "not_enrolled") {
        throw new AgentNotEnrolledError(answer.message);
      }
      if (answer) return answer;
      if (isGone) {
        throw new NoAnswerError("The agent was restarted meanwhile: try again");
      }
      if (clock.elapsed() >= endMs) {
        throw new NoAnswerError(
          `The agent did not answer within ${Math.round(timeoutMs / 1000)} s`,
        );
      }
      await clock.sleep(POLL_MS, stop);
    }
  } finally {
    left.withdraw();
  }
}
