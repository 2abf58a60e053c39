import { isoTime } from "../../platform/clock.ts";
import { encodeDataEntry } from "../../wire/data_entry.ts";
import { jsonTextAnswer } from "../http/answers.ts";
import type { Services } from "../services.ts";
import type { StoredEvent } from "../storage/storage.ts";
import { ADMIN_PREFIX, type AdminRoute, nodeOrProblem } from "./admin_route.ts";

/** Events shown of a node. */
const SHOWN_EVENTS = 100;

/** What a node reported, what it had to correct, and what was sent to it. */
export function nodeHistoryRoutes({ storage }: Services): AdminRoute[] {
  const path = `${ADMIN_PREFIX}/nodes/{id}`;
  return [
    {
      method: "GET",
      path: `${path}/reports`,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const { id } = await nodeOrProblem(rows, params["id"]!);
          const reports = (await rows.reports.all(id)).map(encodeDataEntry);
          return jsonTextAnswer(`{"reports":[${reports}]}`);
        }),
    },
    {
      method: "GET",
      path: `${path}/drift`,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const { id } = await nodeOrProblem(rows, params["id"]!);
          const drift = (await rows.reports.drift(id)).map((one) =>
            `{"received_at":${JSON.stringify(isoTime(one.receivedAtMs))}` +
            `,"report":${one.report}}`
          );
          return jsonTextAnswer(`{"drift":[${drift}]}`);
        }),
    },
    {
      method: "GET",
      path: `${path}/events`,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const { id, domainId } = await nodeOrProblem(rows, params["id"]!);
          const events = await rows.events.newest(
            { nodeId: id, domainId },
            SHOWN_EVENTS,
          );
          return jsonTextAnswer(`{"events":[${events.map(eventText)}]}`);
        }),
    },
  ];
}

function eventText(event: StoredEvent): string {
  return `{"sequence":${event.sequence}` +
    `,"event_id":${JSON.stringify(event.id)}` +
    `,"event_type":${JSON.stringify(event.type)}` +
    `,"created_at":${JSON.stringify(isoTime(event.createdAtMs))}` +
    `,"payload":${event.payload}}`;
}
