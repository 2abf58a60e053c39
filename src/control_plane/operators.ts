import { bearerOf, hashOf, isSame } from "./credentials.ts";
import { ProblemError } from "./http/problem.ts";
import type { Call } from "./http/router.ts";
import type { Scope } from "./scopes.ts";
import type { AdminToken, Storage } from "./storage/storage.ts";
import type { Clock } from "../platform/clock.ts";

/** Who makes a call of the admin API. */
export interface Operator {
  /** As the audit log names it: `admin` or `admin:<name>`. */
  readonly subject: string;
  readonly scopes: readonly Scope[];
  /** IP address that the call came from. */
  readonly source: string;
}

/**
 * The gate before every call of an operator, existing or not. Takes a time that
 * tells nothing about the tokens that there are.
 *
 * @throws {ProblemError} 401 "unauthorized"
 */
export async function authenticateOperator(
  { request, source }: Pick<Call, "request" | "source">,
  storage: Storage,
  clock: Clock,
): Promise<Operator> {
  const bearer = bearerOf(request);
  const tokens = await storage.read(async ({ admins }) => await admins.all());
  const hash = hashOf(bearer ?? "");
  let found: AdminToken | undefined;
  for (const token of tokens) {
    if (isSame(hash, token.hash)) found = token;
  }
  const isExpired = found?.expiresAtMs !== undefined &&
    found.expiresAtMs <= clock.now();
  if (bearer !== undefined && found && !isExpired) {
    return operatorOf(found, source);
  }
  throw new ProblemError(401, "unauthorized", {
    headers: { "www-authenticate": "Bearer" },
  });
}

/**
 * The gate before one call.
 *
 * @throws {ProblemError} 403 "insufficient_scope"
 */
export function checkScope({ scopes }: Operator, scope: Scope): void {
  if (scopes.includes(scope) || scopes.includes("admin")) return;
  throw new ProblemError(403, "insufficient_scope", {
    detail: `This call needs a token with the scope "${scope}"`,
  });
}

function operatorOf({ name, scopes }: AdminToken, source: string): Operator {
  const subject = name === "" ? "admin" : `admin:${name}`;
  return { subject, scopes, source };
}
