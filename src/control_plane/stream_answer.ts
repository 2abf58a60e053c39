import type { StreamStart } from "./event_stream.ts";
import { ProblemError } from "./http/problem.ts";
import type { Services } from "./services.ts";
import type { Node } from "./storage/storage.ts";

/**
 * Answers with the event stream of a node that has passed the gates.
 *
 * Whoever takes its key away ends the streams that it has, and the gates are
 * some waits ago: so it is looked up once more, when its stream can be found.
 *
 * @throws {ProblemError} 404 "node_not_found" when its key counts no more.
 */
export async function streamAnswer(
  { storage, streams }: Pick<Services, "storage" | "streams">,
  node: Node,
  start: StreamStart,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const body = streams.open(node, start);
  const now = await storage.read(async ({ nodes }) =>
    await nodes.byId(node.id)
  );
  if (!now || now.revokedAtMs !== undefined) {
    streams.closeNode(node.id);
    throw new ProblemError(404, "node_not_found");
  }
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      // Compressed, an event would wait for the next one.
      "cache-control": "no-cache, no-transform",
      ...headers,
    },
  });
}
