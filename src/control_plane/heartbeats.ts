import { healthySince } from "./reachability.ts";
import type { Services } from "./services.ts";
import type { Node } from "./storage/storage.ts";

/** What a heartbeat's answer asks a node to do. */
export interface HeartbeatHints {
  /** It misses changes, and has no stream that would bring them. */
  readonly reconcile: boolean;
  /** Until it has rotated, since an answer can be lost. */
  readonly rotate_keys: boolean;
}

/**
 * Notes a heartbeat, in either dialect.
 *
 * @param text The heartbeat as JSON.
 */
export async function noteHeartbeat(
  { storage, streams, io }: Pick<Services, "storage" | "streams" | "io">,
  node: Node,
  text: string,
): Promise<HeartbeatHints> {
  const atMs = io.clock.now();
  const healthySinceMs = healthySince(node, atMs);
  await storage.write(async (rows) =>
    await rows.nodes.heartbeat(node.id, { atMs, text, healthySinceMs })
  );
  return {
    reconcile: node.stateVersion > node.pulledVersion &&
      !streams.isOpen(node.id),
    rotate_keys: node.rotateKeys,
  };
}
