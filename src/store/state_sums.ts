import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import type { StatePosition } from "../wire/state.ts";
import type { PartName } from "./state_files.ts";
import { checkSum, withSum } from "./summed_json.ts";

/** Path of the sums, below the membership's folder. */
export const SUMS_FILE = "state/.sums";

/**
 * One file's way from a commit before to the commit after it.
 *
 * The sums are written and synced before the files they speak of; from then on
 * the change holds, and a crash is made good by doing these steps again.
 */
export interface RedoStep {
  /** Path below the membership's folder. */
  readonly file: string;
  /** SHA-256 of the file before; null when it was not there; absent if unknown. */
  readonly old?: string | null;
  /** The file's new text; null when it is removed. */
  readonly text: string | null;
}

/** What the files of a node's state have to look like. */
export interface StateSums {
  readonly position?: StatePosition;
  readonly complete: boolean;
  /** SHA-256 of each part's file; null while it has never been written. */
  readonly parts: Readonly<Record<PartName, string | null>>;
  readonly data: { readonly count: number; readonly digest: string };
  readonly redo: readonly RedoStep[];
}

const sum = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const counter = z.int().check(z.positive());
const sumsSchema = z.object({
  format: z.literal(1),
  position: z.nullable(z.object({ epoch: counter, version: counter })),
  complete: z.boolean(),
  parts: z.object({
    metadata: z.nullable(sum),
    secrets: z.nullable(sum),
    directory: z.nullable(sum),
    // Stores of versions that knew no services have none.
    services: z._default(z.nullable(sum), null),
  }),
  data: z.object({ count: z.int(), digest: sum }),
  redo: z.array(z.object({
    // No path that could lead anywhere else.
    file: z.string().check(
      z.regex(
        /^(?:state\/(?:metadata|secrets|data\/[^/]+)|peers\/directory|services\/assignments)\.json$/,
      ),
    ),
    old: z.optional(z.nullable(sum)),
    text: z.nullable(z.string()),
  })),
});

/** The bytes of the file of sums. */
export function encodeSums(sums: StateSums): Uint8Array<ArrayBuffer> {
  const { position, complete, parts, data, redo } = sums;
  return withSum(JSON.stringify({
    format: 1,
    position: position ?? null,
    complete,
    parts,
    data,
    redo,
  })).bytes;
}

/** Reads the file of sums; undefined unless every byte is as it was written. */
export function decodeSums(
  bytes: Uint8Array<ArrayBuffer>,
): StateSums | undefined {
  const checked = checkSum(bytes);
  if (!checked) return undefined;
  try {
    const { position, complete, parts, data, redo } = parseShape(
      "sums",
      sumsSchema,
      checked.text,
    );
    return {
      ...(position ? { position } : {}),
      complete,
      parts,
      data,
      redo: redo.map(({ file, old, text }) =>
        old === undefined ? { file, text } : { file, old, text }
      ),
    };
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
}
