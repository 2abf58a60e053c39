import * as z from "zod/mini";
import { type ExecutionResult, executionResultSchema } from "../wire/bodies.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { fileNameOf } from "./file_name.ts";
import { checkSum, withSum } from "./summed_json.ts";

/** The folder of the executions, below the membership's folder. */
export const EXECUTIONS_FOLDER = "executions";

/** An execution that this node has taken on. What it was given is not kept. */
export interface ExecutionRecord {
  readonly executionId: string;
  readonly action: string;
  /** Ms since the Unix epoch. */
  readonly acceptedAtMs: number;
  /** How it ended; absent while it runs. Without output once it is reported. */
  readonly result?: ExecutionResult;
}

/** What the name of an execution's file says. */
export interface ExecutionName {
  readonly name: string;
  /** Something is left to do: to end, or to report how it ended. */
  readonly isOpen: boolean;
  /** The id, as far as it fits into a name. */
  readonly idPart: string;
  /** Sorts by the time it began. */
  readonly sortKey: string;
}

const recordSchema = z.object({
  format: z.literal(1),
  execution_id: z.string(),
  action: z.string(),
  accepted_at_ms: z.number(),
  result: z.optional(executionResultSchema),
});

/** Digits of the time in a name: enough for any, so that names sort by it. */
const TIME_DIGITS = 14;

/** The part of a name that stands for an execution's id. */
export function idPartOf(executionId: string): string {
  return fileNameOf(executionId);
}

/** The name of an execution's file. */
export function executionNameOf(
  { executionId, acceptedAtMs }: ExecutionRecord,
  isOpen: boolean,
): ExecutionName {
  const time = `${Math.trunc(acceptedAtMs)}`.padStart(TIME_DIGITS, "0");
  const idPart = idPartOf(executionId);
  const sortKey = `${time}-${idPart}`;
  const name = `${isOpen ? "open" : "done"}-${sortKey}.json`;
  return { name, isOpen, idPart, sortKey };
}

/** Reads a name; undefined when it is no execution's. */
export function parseExecutionName(name: string): ExecutionName | undefined {
  const [, state, sortKey, idPart] =
    /^(open|done)-(\d{14}-(.+))\.json$/.exec(name) ?? [];
  return sortKey === undefined || idPart === undefined
    ? undefined
    : { name, isOpen: state === "open", idPart, sortKey };
}

/** The bytes of an execution's file. */
export function encodeExecution(
  record: ExecutionRecord,
): Uint8Array<ArrayBuffer> {
  return withSum(JSON.stringify({
    format: 1,
    execution_id: record.executionId,
    action: record.action,
    accepted_at_ms: record.acceptedAtMs,
    result: record.result,
  })).bytes;
}

/** Reads an execution's file; undefined unless every byte is as written. */
export function decodeExecution(
  bytes: Uint8Array<ArrayBuffer>,
): ExecutionRecord | undefined {
  const checked = checkSum(bytes);
  if (!checked) return undefined;
  try {
    const file = parseShape("execution", recordSchema, checked.text);
    return {
      executionId: file.execution_id,
      action: file.action,
      acceptedAtMs: file.accepted_at_ms,
      ...(file.result ? { result: file.result } : {}),
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return undefined;
  }
}
