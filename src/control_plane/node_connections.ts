import type { Services } from "./services.ts";

/** Ends what a node has open, since its key does not count any more. */
export function disconnectNode(
  { streams, messageBus }: Pick<Services, "streams" | "messageBus">,
  nodeId: string,
): void {
  streams.closeNode(nodeId);
  messageBus?.forget(nodeId);
}
