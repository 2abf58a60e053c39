import * as z from "zod/mini";
import {
  dataEntriesFrom,
  type DataEntry,
  dataEntrySchema,
  uniqueByKey,
} from "./data_entry.ts";
import { checkShape } from "./shape_error.ts";
import type { SecretRef, StatePosition } from "./state.ts";
import {
  metadataFrom,
  metadataSchema,
  readObject,
  scopeFrom,
  scopeMembers,
  secretRefSchema,
} from "./state_members.ts";

/** What a `node_state_updated` payload carries. An absent part is left alone. */
export interface NodeStateUpdate {
  readonly metadata?: ReadonlyMap<string, string>;
  readonly data?: readonly DataEntry[];
  readonly position?: StatePosition;
  readonly nodeId?: string;
}

const nodeStateUpdateSchema = z.object({
  metadata: z.nullish(metadataSchema),
  data: z.nullish(z.array(dataEntrySchema)),
  ...scopeMembers,
});

/** What a `node_secrets_updated` payload carries. An absent index is left alone. */
export interface NodeSecretsUpdate {
  readonly secretRefs?: readonly SecretRef[];
  readonly position?: StatePosition;
  readonly nodeId?: string;
}

const nodeSecretsUpdateSchema = z.object({
  secret_refs: z.nullish(z.array(secretRefSchema)),
  ...scopeMembers,
});

/**
 * Reads the payload of a `node_state_updated` event. Null and empty clear a
 * part, an absent member leaves it alone.
 *
 * @throws {ShapeError} when it does not have the shape of that event.
 */
export function parseNodeStateUpdate(text: string): NodeStateUpdate {
  const what = "node_state_updated payload";
  const { value, members } = readObject(what, text);
  const update = checkShape(what, nodeStateUpdateSchema, value);
  return {
    ...(members.has("metadata")
      ? { metadata: metadataFrom(members.get("metadata")) }
      : {}),
    ...(members.has("data")
      ? { data: dataEntriesFrom(members.get("data"), update.data ?? []) }
      : {}),
    ...scopeFrom(update),
  };
}

/**
 * Reads the payload of a `node_secrets_updated` event.
 *
 * @throws {ShapeError} when it does not have the shape of that event.
 */
export function parseNodeSecretsUpdate(text: string): NodeSecretsUpdate {
  const what = "node_secrets_updated payload";
  const { value } = readObject(what, text);
  const update = checkShape(what, nodeSecretsUpdateSchema, value);
  return {
    ...(update.secret_refs === undefined
      ? {}
      : { secretRefs: uniqueByKey("secret_refs", update.secret_refs ?? []) }),
    ...scopeFrom(update),
  };
}
