import * as z from "zod/mini";
import type { ExecutionResult } from "./bodies.ts";
import { parseDuration } from "./duration.ts";
import { rawMember } from "./raw_json.ts";
import { parseRfc3339 } from "./rfc3339.ts";
import { parseShape } from "./shape_error.ts";

/** A request to run one of the actions that the operator has configured. */
export interface ActionRequest {
  readonly executionId: string;
  readonly action: string;
  /** Raw JSON text, as it was received; `{}` when there are none. */
  readonly parameters: string;
  /** Time that is asked for, ms; absent when none, or none that is usable. */
  readonly timeoutMs?: number;
  /** SHA-256 of the executable in hex, perhaps after `sha256:`. */
  readonly checksum?: string;
  /** Who wanted it; goes back with the result. */
  readonly triggeredBy?: ExecutionResult["triggered_by"];
  /** When it is too late to begin, ms since the Unix epoch. */
  readonly expiresAtMs?: number;
  /** Whom the event is for, where the control plane says so. */
  readonly nodeId?: string;
}

/** What a process can be told about itself: one line, and no end of it within. */
const name = z.string().check(
  z.regex(/^[^\p{Cc}\p{Cs}]{1,256}$/u),
);
const text = z._default(z.string(), "");

const requestSchema = z.object({
  execution_id: name,
  action: name,
  timeout: z.nullish(z.string()),
  checksum: z.nullish(z.string()),
  triggered_by: z.nullish(z.object({
    type: text,
    session_id: text,
    user_id: text,
    email: text,
  })),
  expires_at: z.nullish(z.string().check(z.refine(isTimeOrNone))),
  node_id: z.optional(z.string()),
});

/** Who cannot read when it is too late must not run it. */
function isTimeOrNone(text: string): boolean {
  return text === "" || parseRfc3339(text) !== undefined;
}

/**
 * Reads the payload of `action_request`.
 *
 * @throws {ShapeError}
 * @see docs/wire.md, section b.5
 */
export function parseActionRequest(payload: string): ActionRequest {
  const read = parseShape("action_request", requestSchema, payload);
  const timeoutMs = read.timeout ? parseDuration(read.timeout) : undefined;
  const expiresAtMs = read.expires_at
    ? parseRfc3339(read.expires_at)?.ms
    : undefined;
  return {
    executionId: read.execution_id,
    action: read.action,
    parameters: parametersOf(payload),
    ...(timeoutMs ? { timeoutMs } : {}),
    ...(read.checksum ? { checksum: read.checksum } : {}),
    ...(read.triggered_by ? { triggeredBy: read.triggered_by } : {}),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(read.node_id === undefined ? {} : { nodeId: read.node_id }),
  };
}

/** The last one counts, as it does for the other members. */
function parametersOf(payload: string): string {
  const raw = rawMember(payload, "parameters");
  return raw === undefined || raw === "null" ? "{}" : raw;
}
