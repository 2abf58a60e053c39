import { parseDuration } from "../../wire/duration.ts";
import { rawMembers } from "../../wire/raw_json.ts";
import { ProblemError } from "../http/problem.ts";
import type { ReadTextOptions } from "../http/request_body.ts";
import type { Call, Route } from "../http/router.ts";
import { checkScope, type Operator } from "../operators.ts";
import type { Scope } from "../scopes.ts";
import type { Services } from "../services.ts";
import type { Node, Rows } from "../storage/storage.ts";

/** Paths of the admin API start with it. */
export const ADMIN_PREFIX = "/admin/v1";

/** What handlers are told beside the call. */
export interface ByOperator {
  readonly operator: Operator;
}

/** A call of the admin API. */
export interface AdminRoute extends Route<ByOperator> {
  /** What the operator's token must be good for. @default {"read" or "write"} */
  readonly scope?: Scope;
}

export type AdminCall = Call & ByOperator;

/** Puts the check of scopes before calls. */
export function scoped(routes: readonly AdminRoute[]): Route<ByOperator>[] {
  return routes.map(({ method, path, scope, handle }) => ({
    method,
    path,
    async handle(call) {
      checkScope(call.operator, scope ?? (method === "GET" ? "read" : "write"));
      return await handle(call);
    },
  }));
}

/** @throws {ProblemError} 404 "node_not_found" */
export async function nodeOrProblem(rows: Rows, id: string): Promise<Node> {
  const node = await rows.nodes.byId(id);
  if (node) return node;
  throw new ProblemError(404, "node_not_found");
}

/** Limits for reading the body of an admin call. */
export function bodyLimits({ io, stop }: Services): ReadTextOptions {
  return { clock: io.clock, stop };
}

/**
 * Refuses an object of texts of which checking has left something out, as it
 * does with the name `__proto__`: a selector without it would mean all nodes.
 *
 * @param raw Members of the body, as text.
 * @throws {ProblemError} 400 "malformed_body"
 */
export function checkWhole(
  name: string,
  raw: ReadonlyMap<string, string>,
  texts: Readonly<Record<string, string>> | undefined,
): void {
  if (!texts) return;
  const { length } = rawMembers(raw.get(name)!);
  if (length === Object.keys(texts).length) return;
  throw new ProblemError(400, "malformed_body", {
    detail: `"${name}" has a name that cannot be used: "__proto__"`,
  });
}

/** What a duration of an operator may be. */
export interface DurationRange {
  /** In ms. @default {1} */
  readonly atLeastMs?: number;
  readonly atMostMs: number;
  /** What is said of any other one. */
  readonly otherwise: string;
}

/**
 * A duration in whole ms, rounded up: so it is kept, and what is short never
 * becomes nothing.
 *
 * @throws {ProblemError} 400 "malformed_body"
 */
export function durationMs(
  text: string,
  { atLeastMs = 1, atMostMs, otherwise }: DurationRange,
): number {
  const ms = Math.ceil(parseDuration(text) ?? NaN);
  if (ms >= atLeastMs && ms <= atMostMs) return ms;
  throw new ProblemError(400, "malformed_body", { detail: otherwise });
}

/** Beyond this a key fits neither a file name nor a line of a listing. */
const MAX_KEY_BYTES = 255;

/**
 * A key of metadata, data or a secret that nodes can store and serve.
 *
 * @throws {ProblemError} 400 "invalid_key"
 */
export function checkedKey(key: string): string {
  const isFine = key.isWellFormed() && !/\p{Cc}/u.test(key) &&
    key !== "." && key !== ".." &&
    new TextEncoder().encode(key).length <= MAX_KEY_BYTES;
  if (isFine) return key;
  throw new ProblemError(400, "invalid_key", {
    detail: `A key has 1 to ${MAX_KEY_BYTES} bytes without control characters` +
      ' and is not "." or ".."',
  });
}

/**
 * Text that can be stored and sent as it is.
 *
 * @throws {ProblemError} 400 "malformed_body"
 */
export function checkedText(what: string, text: string): string {
  if (text.isWellFormed()) return text;
  throw new ProblemError(400, "malformed_body", {
    detail: `${what} has half a surrogate pair`,
  });
}
