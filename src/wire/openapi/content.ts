import type * as z from "zod/mini";

/** What a body is: of one of some shapes, or bytes or text as they are. */
export type BodyShape =
  | z.ZodMiniType
  | readonly z.ZodMiniType[]
  | "text"
  | "bytes";

/** A body by its media type. */
export type Content = Readonly<Record<string, BodyShape>>;

/** A JSON body of one shape, or of one of some. */
export function json(...shapes: z.ZodMiniType[]): Content {
  return { "application/json": shapes.length === 1 ? shapes[0]! : shapes };
}
