import * as z from "zod/mini";
import { parseShape, ShapeError } from "./shape_error.ts";

/** Media type of errors in dialect 2. */
export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** What of a problem document a client acts on. `code` is its only stable name. */
export interface Problem {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  /** Under what the server has noted the call. */
  readonly correlationId?: string;
}

const problemSchema = z.object({
  code: z.nullish(z.string()),
  title: z.nullish(z.string()),
  detail: z.nullish(z.string()),
  // For people alone: whatever it is, the code beside it counts.
  correlation_id: z.optional(z.unknown()),
});

/**
 * Reads a problem document.
 *
 * @returns undefined for text that is none: an error stays one all the same.
 * @see RFC 9457; docs/wire.md, section h.3
 */
export function parseProblem(text: string): Problem | undefined {
  try {
    const { code, title, detail, correlation_id } = parseShape(
      "problem",
      problemSchema,
      text,
    );
    return {
      ...(code ? { code } : {}),
      ...(title ? { title } : {}),
      ...(detail ? { detail } : {}),
      ...(typeof correlation_id === "string" && correlation_id
        ? { correlationId: correlation_id }
        : {}),
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return undefined;
  }
}
