import type { ExecutionAck, ExecutionResult } from "../wire/bodies.ts";
import { ProblemError } from "./http/problem.ts";
import type { Execution } from "./storage/operations.ts";
import type { Rows } from "./storage/storage.ts";

/** Bytes that are kept of each of an execution's outputs. */
export const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * Takes a node's word on whether it runs what it was asked to.
 *
 * Calls are repeated when an answer was lost, and the result may overtake the
 * acknowledgement: what is true already changes nothing.
 *
 * @throws {ProblemError} 404 "execution_not_found", 409 "execution_conflict"
 * when the node has said otherwise before.
 */
export async function acknowledge(
  rows: Rows,
  nodeId: string,
  { execution_id, status, reason }: ExecutionAck,
  atMs: number,
): Promise<void> {
  const execution = await executionOrProblem(rows, nodeId, execution_id);
  if (execution.state === "pending") {
    const step = status === "accepted"
      ? { state: "accepted", atMs } as const
      : { state: "rejected", reason, atMs } as const;
    return await rows.executions.step(nodeId, execution_id, step);
  }
  const wasRejected = execution.state === "rejected";
  const isTrueAlready = status === "rejected"
    ? wasRejected && execution.reason === reason
    : !wasRejected;
  if (!isTrueAlready) throw conflict(execution);
}

/**
 * Takes the result of an execution, with or without an acknowledgement before.
 *
 * @throws {ProblemError} as {@linkcode acknowledge}
 */
export async function finish(
  rows: Rows,
  nodeId: string,
  given: ExecutionResult,
  atMs: number,
): Promise<void> {
  const id = given.execution_id;
  const execution = await executionOrProblem(rows, nodeId, id);
  const result = JSON.stringify(bounded(given));
  switch (execution.state) {
    case "pending":
    case "accepted":
    case "started":
      await rows.executions.step(nodeId, id, {
        state: "finished",
        result,
        atMs,
      });
      return;
    case "finished":
      if (execution.result === result) return;
      throw conflict(execution);
    case "rejected":
      throw conflict(execution);
  }
}

/** @throws {ProblemError} 404 "execution_not_found" */
export async function executionOrProblem(
  rows: Rows,
  nodeId: string,
  id: string,
): Promise<Execution> {
  const execution = await rows.executions.get(nodeId, id);
  if (execution) return execution;
  throw new ProblemError(404, "execution_not_found");
}

function conflict({ state }: Execution) {
  return new ProblemError(409, "execution_conflict", {
    detail: `The execution is ${state} already`,
  });
}

function bounded(result: ExecutionResult) {
  const stdout = firstBytes(result.stdout);
  const stderr = firstBytes(result.stderr);
  const isCut = stdout !== result.stdout || stderr !== result.stderr;
  return { ...result, stdout, stderr, ...(isCut ? { truncated: true } : {}) };
}

/** The first bytes of a text, whole characters only. */
function firstBytes(text: string): string {
  const room = new Uint8Array(MAX_OUTPUT_BYTES);
  const { read } = new TextEncoder().encodeInto(text, room);
  return text.slice(0, read);
}
