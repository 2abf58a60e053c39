import type * as z from "zod/mini";
import { safeParse } from "zod/mini";

/** A document from outside does not have the shape it must have. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/**
 * Checks a decoded value against a schema.
 *
 * The message names places and expected types, never the values found there:
 * they may be secret.
 *
 * @throws {ShapeError} naming what, where and why.
 */
export function checkShape<S extends z.ZodMiniType>(
  what: string,
  schema: S,
  value: unknown,
): z.infer<S> {
  const result = tried(what, schema, value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.map(String).join(".") || "the document";
  throw new ShapeError(
    `Invalid ${what}: ${where.slice(0, MAX_PLACE_LENGTH)}: ${why(issue)}`,
  );
}

/** The library keeps all that is wrong, and its stack has no room for 100,000. */
function tried<S extends z.ZodMiniType>(
  what: string,
  schema: S,
  value: unknown,
) {
  try {
    return safeParse(schema, value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ShapeError(`Invalid ${what}: too much of it is wrong`);
  }
}

/** Places are named by keys from outside, which can be as long as they like. */
const MAX_PLACE_LENGTH = 200;

/** zod/mini has no message texts of its own: only codes and expected types. */
function why(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === "invalid_type") return `expected ${issue.expected}`;
  return issue?.code.replaceAll("_", " ") ?? "wrong shape";
}

/**
 * Decodes JSON text and checks its shape.
 *
 * @throws {ShapeError} for text that is not JSON, too.
 */
export function parseShape<S extends z.ZodMiniType>(
  what: string,
  schema: S,
  text: string,
): z.infer<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ShapeError(`Invalid ${what}: not JSON`);
  }
  return checkShape(what, schema, value);
}
