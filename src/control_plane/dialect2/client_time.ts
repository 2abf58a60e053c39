import type { Clock } from "../../platform/clock.ts";
import { parseRfc3339 } from "../../wire/rfc3339.ts";
import { ProblemError } from "../http/problem.ts";
import type { ProblemCode } from "../http/problem_codes.ts";

/** How far a node's clock may be off. @see docs/wire.md, section h.3 */
const MAX_SKEW_MS = 60_000;

/** What a wrong time is called. */
export interface TimeCodes {
  /** It is no RFC 3339 text. */
  readonly malformed: ProblemCode;
  /** The node's clock is off. */
  readonly skew: ProblemCode;
}

/**
 * Checks the time that a node says it is.
 *
 * @throws {ProblemError} 400 with one of the codes.
 */
export function checkClientTime(
  text: string,
  name: string,
  clock: Clock,
  codes: TimeCodes,
): void {
  const time = parseRfc3339(text);
  if (!time) {
    throw new ProblemError(400, codes.malformed, {
      detail: `"${name}" is not an RFC 3339 time`,
    });
  }
  if (Math.abs(time.ms - clock.now()) <= MAX_SKEW_MS) return;
  throw new ProblemError(400, codes.skew, {
    detail: `"${name}" is more than ${MAX_SKEW_MS / 1000} s off: set the clock`,
  });
}
