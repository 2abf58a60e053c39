import { isoTime } from "../../platform/clock.ts";
import { jsonTextAnswer } from "../http/answers.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import type { IngestKind } from "../storage/operations.ts";
import { ADMIN_PREFIX, type AdminRoute, nodeOrProblem } from "./admin_route.ts";

/** Records shown at a time, the newest ones. */
const SHOWN = 500;

const INGEST_KINDS: readonly IngestKind[] = ["metrics", "logs", "audit"];

/**
 * `GET /nodes/{id}/capabilities`, `…/metrics`, `…/logs` and `…/audit`: what a
 * node sent about itself, newest first.
 */
export function nodeSentRoutes(services: Services): AdminRoute[] {
  const { storage } = services;
  return [
    {
      method: "GET",
      path: `${ADMIN_PREFIX}/nodes/{id}/capabilities`,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const node = await nodeOrProblem(rows, params["id"]!);
          const { capabilities, capabilitiesAtMs } = node;
          if (capabilities === undefined || capabilitiesAtMs === undefined) {
            throw new ProblemError(404, "capabilities_not_found", {
              detail: "The node has not told its capabilities yet",
            });
          }
          return jsonTextAnswer(
            `{"received_at":${JSON.stringify(isoTime(capabilitiesAtMs))}` +
              `,"capabilities":${capabilities}}`,
          );
        }),
    },
    ...INGEST_KINDS.map((kind) => ingestedRoute(kind, services)),
  ];
}

function ingestedRoute(kind: IngestKind, { storage }: Services): AdminRoute {
  return {
    method: "GET",
    path: `${ADMIN_PREFIX}/nodes/{id}/${kind}`,
    handle: ({ params }) =>
      storage.read(async (rows) => {
        const { id } = await nodeOrProblem(rows, params["id"]!);
        const newest = await rows.ingest.newest(id, kind, SHOWN);
        const records = newest.map(({ receivedAtMs, record }) =>
          `{"received_at":${JSON.stringify(isoTime(receivedAtMs))}` +
          `,"record":${record}}`
        );
        return jsonTextAnswer(`{"${kind}":[${records}]}`);
      }),
  };
}
