import { encodeBase64 } from "../wire/base64.ts";
import type {
  ExecutionAck,
  ExecutionResult,
  ExecutionStatus,
} from "../wire/bodies.ts";
import {
  executionAnswer2Schema,
  type ExecutionCallback2,
  type ExecutionStep2,
  MAX_INLINE_OUTPUT_BYTES,
} from "../wire/dialect2/bodies.ts";
import { checkShape } from "../wire/shape_error.ts";
import { ControlError } from "./control_error.ts";
import type { NodeCalls2 } from "./dialect2_calls.ts";
import { putOutput } from "./dialect2_output.ts";

/** The last step of an execution that ended so. */
const LAST_STEP = {
  success: "succeeded",
  failed: "failed",
  error: "failed",
  timeout: "failed",
  cancelled: "cancelled",
} as const satisfies Record<ExecutionStatus, ExecutionStep2>;

/**
 * Tells whether an execution is begun. Each goes from "ack" over "started" to
 * its end, one that is rejected too.
 *
 * @see docs/wire.md, section h.7
 */
export async function ackExecution2(
  calls: NodeCalls2,
  ack: ExecutionAck,
  signal: AbortSignal,
): Promise<void> {
  const { execution_id: id, status, reason } = ack;
  await acknowledge(calls, id, signal);
  await callBack(calls, id, { status: "started" }, signal);
  if (status === "accepted") return;
  await callBack(calls, id, { status: "failed", error: reason }, signal);
}

/** A call before this one may have been taken, and its answer lost. */
async function acknowledge(
  calls: NodeCalls2,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await callBack(calls, id, { status: "ack" }, signal);
  } catch (error) {
    const past = error instanceof ControlError && error.kind === "conflict";
    if (!past) throw error;
  }
}

/** Tells how an execution ended. Output that is long goes up beside it. */
export async function reportResult2(
  calls: NodeCalls2,
  result: ExecutionResult,
  signal: AbortSignal,
): Promise<void> {
  const { execution_id: id, status, exit_code } = result;
  const output = await outputOf(calls, result, signal);
  const failed = status === "error" || status === "timeout";
  await callBack(calls, id, {
    status: LAST_STEP[status],
    exit_code,
    ...(failed ? { error: status } : {}),
    ...(output ? { output } : {}),
  }, signal);
}

async function outputOf(
  calls: NodeCalls2,
  { execution_id: id, stdout, stderr }: ExecutionResult,
  signal: AbortSignal,
): Promise<ExecutionCallback2["output"]> {
  const bytes = new TextEncoder().encode(stdout + stderr);
  if (bytes.length === 0) return undefined;
  if (bytes.length <= MAX_INLINE_OUTPUT_BYTES) {
    return { inline: encodeBase64(bytes) };
  }
  const { upload_url: url, object_key } = await callBack(calls, id, {
    status: "started",
    declared_output_bytes: bytes.length,
  }, signal);
  const sha256 = url === undefined || object_key === undefined
    ? undefined
    : await putOutput(calls.options.http, url, bytes, signal);
  return sha256 === undefined
    ? { inline: encodeBase64(shortened(bytes)) }
    : { object_key, sha256 };
}

/** The end of an output that had nowhere to go: errors stand there. */
function shortened(bytes: Uint8Array): Uint8Array {
  const note = new TextEncoder().encode(
    `[plexd: the end of ${bytes.length} bytes; the rest could not be sent]\n`,
  );
  const kept = bytes.subarray(note.length - MAX_INLINE_OUTPUT_BYTES);
  const both = new Uint8Array(MAX_INLINE_OUTPUT_BYTES);
  both.set(note);
  both.set(kept, note.length);
  return both;
}

function callBack(
  calls: NodeCalls2,
  id: string,
  body: ExecutionCallback2,
  signal: AbortSignal,
) {
  return calls.json(
    "execution",
    { execution_id: id },
    { json: JSON.stringify(body) },
    (value) => checkShape("execution answer", executionAnswer2Schema, value),
    signal,
  );
}
