import type { Services } from "../services.ts";
import type { Node } from "../storage/storage.ts";
import { streamAnswer } from "../stream_answer.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** `GET /v1/nodes/{node_id}/events`: the node's signed event stream. */
export function eventsRoute(services: Services): NodeRoute {
  const route = nodeRoute("events", async (node, { request }) => {
    const newest = await services.storage.read(async (rows) =>
      await rows.events.lastSequence()
    );
    const from = cursorOf(request, node, newest);
    return await streamAnswer(services, node, { from });
  });
  return { ...route, auditedAs: "node_events.subscribe" };
}

/**
 * Where the stream starts: after the last event that the node says it has.
 *
 * Without a usable cursor, or with one from a future that a restored database
 * does not know, it starts with the oldest kept event since the node got its
 * keys: events that it has already do no harm, a missed key change would.
 */
function cursorOf(request: Request, node: Node, newest: number): number {
  const text = request.headers.get("last-event-id") ?? "";
  const cursor = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  return cursor > newest
    ? node.firstSequence
    : Math.max(cursor, node.firstSequence);
}
