import type {
  ExecutionCallback2,
  ExecutionStep2,
} from "../../wire/dialect2/bodies.ts";
import { executionOrProblem, MAX_OUTPUT_BYTES } from "../executions.ts";
import { ProblemError } from "../http/problem.ts";
import type { ExecutionState } from "../storage/operations.ts";
import type { Rows } from "../storage/storage.ts";
import { outputOf } from "./outputs.ts";

/** Where each step may come from, and where it leads to. */
const EDGES: Readonly<
  Record<ExecutionStep2, { from: ExecutionState; to: ExecutionState }>
> = {
  ack: { from: "pending", to: "accepted" },
  started: { from: "accepted", to: "started" },
  succeeded: { from: "started", to: "finished" },
  failed: { from: "started", to: "finished" },
  cancelled: { from: "started", to: "finished" },
};

/**
 * Takes an execution one step further. A step that was taken already changes
 * nothing, as its answer may have been lost.
 *
 * @throws {ProblemError} 404 "execution_not_found", 409 "execution_conflict" for
 * a step that does not follow, 409 "execution_expired" for one that begins too
 * late, and what the output is refused with.
 * @see docs/wire.md, section h.7
 */
export async function takeStep(
  rows: Rows,
  nodeId: string,
  id: string,
  callback: ExecutionCallback2,
  nowMs: number,
): Promise<void> {
  const execution = await executionOrProblem(rows, nodeId, id);
  const { from, to } = EDGES[callback.status];
  const isEnd = to === "finished";
  const result = isEnd && (execution.state === from || execution.state === to)
    ? JSON.stringify(await resultOf(rows, id, callback))
    : undefined;
  if (execution.state === to && execution.result === result) return;
  if (execution.state !== from) {
    throw new ProblemError(409, "execution_conflict", {
      detail: `"${callback.status}" does not follow: the execution is ` +
        execution.state,
    });
  }
  if (from === "pending" && execution.expiresAtMs <= nowMs) {
    throw new ProblemError(409, "execution_expired", {
      detail: "It is too late to begin the execution",
    });
  }
  await rows.executions.step(nodeId, id, {
    state: to,
    ...(result === undefined ? {} : { result }),
    atMs: nowMs,
  });
}

/** How an execution ended, as operators see it. */
async function resultOf(
  rows: Rows,
  id: string,
  { status, exit_code, error, output }: ExecutionCallback2,
) {
  const came = output && await outputOf(rows, id, output);
  return {
    status,
    ...(exit_code === undefined ? {} : { exit_code }),
    ...(error === undefined ? {} : { error: error.slice(0, MAX_OUTPUT_BYTES) }),
    ...(came ?? {}),
  };
}
