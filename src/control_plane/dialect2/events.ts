import { API_VERSION_HEADER } from "../../wire/dialect2/bodies.ts";
import { ProblemError } from "../http/problem.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import type { Node, Rows } from "../storage/storage.ts";
import type { StreamStart } from "../event_stream.ts";
import { streamAnswer } from "../stream_answer.ts";
import { nodeRoute2 } from "./node_route2.ts";

/** As in every path. */
const API_VERSION = "v1";

/** `GET /v1/nodes/{node_id}/events`: the node's signed event stream. */
export function eventsRoute2(services: Services): NodeRoute {
  const route = nodeRoute2("events", async (node, { request }) => {
    const cursor = cursorOf(request);
    const start = await services.storage.read((rows) =>
      cursor === undefined ? fromNow(rows, node) : after(rows, node, cursor)
    );
    return await streamAnswer(services, node, start, {
      [API_VERSION_HEADER]: API_VERSION,
    });
  });
  return { ...route, auditedAs: "node_events.subscribe" };
}

function cursorOf({ headers }: Request): number | undefined {
  const text = headers.get("last-event-id");
  if (text === null) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badCursor("Last-Event-ID is not a number from 0 on");
}

/**
 * Without a cursor a stream starts with what comes next. Key changes since the
 * node registered come before, since no pull would tell them: a node that
 * missed one could verify nothing any more.
 */
async function fromNow(rows: Rows, node: Node): Promise<StreamStart> {
  const newest = await rows.events.lastSequence();
  return { from: node.firstSequence, keyChangesOnlyUpTo: newest };
}

/** Between a cursor and now nothing may be missing. */
async function after(
  rows: Rows,
  node: Node,
  cursor: number,
): Promise<StreamStart> {
  const newest = await rows.events.lastSequence();
  if (cursor > newest) throw badCursor("Last-Event-ID is of the future");
  const from = Math.max(cursor, node.firstSequence);
  const oldest = await rows.events.oldestSequence("signing_key_rotated") ??
    newest + 1;
  if (from < oldest - 1) {
    throw badCursor("Events after Last-Event-ID are no longer kept");
  }
  return { from };
}

function badCursor(detail: string) {
  return new ProblemError(400, "invalid_last_event_id", { detail });
}
