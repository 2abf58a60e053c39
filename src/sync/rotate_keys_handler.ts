import * as z from "zod/mini";
import { parseShape } from "../wire/shape_error.ts";
import type { Handler } from "./handler.ts";
import { RefusedEventError } from "./refused_event_error.ts";

/** What {@linkcode rotateKeysHandler} works with. */
export interface RotateKeysHandlerOptions {
  readonly nodeId: string;
  /** Begins a rotation; resolves once it would survive a restart. */
  readonly request: (reason: string) => Promise<unknown>;
}

/** The type says it all; plexd's own control plane names the node as well. */
const payloadSchema = z.nullish(
  z.object({ node_id: z.optional(z.string()) }),
);

/** `rotate_keys`: begins a rotation of the node's own key. */
export function rotateKeysHandler(options: RotateKeysHandlerOptions): Handler {
  return {
    async handle({ type, payload }) {
      const nodeId = parseShape(type, payloadSchema, payload)?.node_id;
      if (nodeId !== undefined && nodeId !== options.nodeId) {
        throw new RefusedEventError("foreign", "it is for another node");
      }
      await options.request(`event ${type}`);
      return "applied";
    },
  };
}
