/** What state documents and the payloads of state events have in common. */
import * as z from "zod/mini";
import { keySchema, versionSchema } from "./data_entry.ts";
import { rawMembers } from "./raw_json.ts";
import { ShapeError } from "./shape_error.ts";
import type { StatePosition } from "./state.ts";

export const secretRefSchema = z.object({
  key: keySchema,
  version: versionSchema,
});

/** Metadata arrives as an object of strings; a Map holds any name, `__proto__` too. */
export const metadataSchema = z.record(z.string(), z.string());

const counter = z.int().check(z.positive());

/** Whom a document is for and where it stands; plexd's control plane adds them. */
export const scopeMembers = {
  node_id: z.optional(z.string()),
  epoch: z.optional(counter),
  state_version: z.optional(counter),
};

/**
 * Decodes an object and slices its members out of the text.
 *
 * @throws {ShapeError} when it is none, or a member stands twice: two readers
 * may pick different ones of two equal members, so neither counts.
 */
export function readObject(
  what: string,
  text: string,
): { readonly value: unknown; readonly members: ReadonlyMap<string, string> } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ShapeError(`Invalid ${what}: not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ShapeError(`Invalid ${what}: not an object`);
  }
  const members = rawMembers(text);
  const raw = new Map(members);
  if (raw.size < members.length) {
    throw new ShapeError(`Invalid ${what}: a member stands twice`);
  }
  return { value, members: raw };
}

/**
 * Read from the text, since the schema skips a member named `__proto__` and so
 * would let any value pass under that name.
 */
export function metadataFrom(
  raw: string | undefined,
): ReadonlyMap<string, string> {
  if (raw === undefined || raw === "null") return new Map();
  return new Map(
    rawMembers(raw).map(([name, text]) => {
      const value: unknown = JSON.parse(text);
      if (typeof value === "string") return [name, value];
      throw new ShapeError("Invalid metadata: a value is not a string");
    }),
  );
}

/** Node and position, as far as a document names them. */
export function scopeFrom(
  document: {
    readonly node_id?: string | undefined;
    readonly epoch?: number | undefined;
    readonly state_version?: number | undefined;
  },
): { readonly position?: StatePosition; readonly nodeId?: string } {
  const { node_id, epoch, state_version } = document;
  return {
    ...(node_id === undefined ? {} : { nodeId: node_id }),
    ...(epoch === undefined || state_version === undefined
      ? {}
      : { position: { epoch, version: state_version } }),
  };
}
