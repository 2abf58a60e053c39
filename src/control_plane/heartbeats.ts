import { changeReachability } from "./reachability.ts";
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
 * Notes a heartbeat, in either dialect. The first one, and one after a silence,
 * make the node healthy.
 *
 * @param text The heartbeat as JSON.
 */
export async function noteHeartbeat(
  { changes, streams, io }: Pick<Services, "changes" | "streams" | "io">,
  { id, stateVersion, pulledVersion, rotateKeys }: Node,
  text: string,
): Promise<HeartbeatHints> {
  const atMs = io.clock.now();
  await changes.make(async (rows, emit) => {
    await rows.nodes.heartbeat(id, { atMs, text });
    const node = await rows.nodes.byId(id);
    if (!node || node.reachabilityState === "healthy") return;
    await changeReachability(rows, emit, node, "healthy", atMs);
  });
  return {
    reconcile: stateVersion > pulledVersion && !streams.isOpen(id),
    rotate_keys: rotateKeys,
  };
}
