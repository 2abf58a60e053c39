import { ProblemError, type ProblemStatus } from "../http/problem.ts";
import type { ProblemCode } from "../http/problem_codes.ts";

/** What a surface calls a refusal, by the code that it has everywhere else. */
export type SurfaceCodes = Readonly<
  Partial<
    Record<
      ProblemCode,
      ProblemCode | { status: ProblemStatus; code: ProblemCode }
    >
  >
>;

/**
 * Does `work`, whose refusals get the codes that dialect 2 has for them on
 * one surface; others stay as they are.
 *
 * @see docs/wire.md, section h.3
 */
export async function renamed<T>(
  codes: SurfaceCodes,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const name = error instanceof ProblemError ? codes[error.code] : undefined;
    if (!(error instanceof ProblemError) || name === undefined) throw error;
    const { status, code } = typeof name === "string"
      ? { status: error.status, code: name }
      : name;
    throw new ProblemError(status, code, {
      detail: error.message,
      headers: error.headers,
    });
  }
}
