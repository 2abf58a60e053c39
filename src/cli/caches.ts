import { isoTime } from "../platform/clock.ts";
import type { RoutePath } from "../store/route_cache.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import { serviceMembers, servicesAt } from "../wire/service_assignment.ts";
import type { Invocation } from "./command.ts";
import { showStored } from "./stored_list.ts";

/** `plexd services`: what the control plane wants this node to run. */
export async function services(invocation: Invocation): Promise<number> {
  const nowMs = invocation.platform().clock.now();
  return await showStored(invocation, ({ state, reports, changedMs }) => {
    const assigned = servicesAt(state.services, nowMs).map((service) => ({
      ...service,
      reported: reportedState(reports.get(`service.${service.name}`)),
    }));
    return {
      name: "services",
      json: JSON.stringify(assigned.map((service) => ({
        ...serviceMembers(service),
        reported: service.reported ?? null,
      }))),
      changedMs: changedMs.services,
      head: ["NAME", "VERSION", "DESIRED", "REPORTED", "ROLES", "EXPIRES"],
      rows: assigned.map((service) => [
        service.name,
        service.version || "-",
        service.desiredState,
        service.reported?.state ?? "-",
        service.roles.join(",") || "-",
        service.expiresAt ?? "-",
      ]),
      none: "no service is assigned to this node",
    };
  });
}

/** What a workload last said of itself, in the report `service.<name>`. */
function reportedState(
  report: DataEntry | undefined,
): { readonly state: string; readonly at: string } | undefined {
  if (!report) return undefined;
  const said: unknown = JSON.parse(report.payload);
  const isObject = typeof said === "object" && said !== null;
  const state = isObject && "state" in said ? said.state : said;
  return typeof state === "string"
    ? { state, at: report.updatedAt }
    : undefined;
}

/** `plexd routes`: the ways to peers that this node would take. */
export async function routes(invocation: Invocation): Promise<number> {
  const nowMs = invocation.platform().clock.now();
  return await showStored(invocation, (stored) => {
    const valid = stored.routes.filter((one) => one.expiresAtMs > nowMs);
    return {
      name: "routes",
      json: JSON.stringify(valid.map((route) => ({
        destination: route.destination,
        selected: pathMembers(route.selected),
        alternatives: route.alternatives.map(pathMembers),
        expires_at: isoTime(route.expiresAtMs),
        last_success: route.lastSuccess && {
          peer_id: route.lastSuccess.peerId,
          at: isoTime(route.lastSuccess.atMs),
        },
        last_failure: route.lastFailure && {
          peer_id: route.lastFailure.peerId,
          at: isoTime(route.lastFailure.atMs),
          reason: route.lastFailure.reason,
        },
      }))),
      changedMs: stored.changedMs.routes,
      head: [
        "DESTINATION",
        "PEER",
        "CLASS",
        "SCORE",
        "ALTERNATIVES",
        "EXPIRES",
      ],
      rows: valid.map((
        { destination, selected, alternatives, expiresAtMs },
      ) => [
        destination,
        selected.peerId,
        selected.routeClass,
        selected.score?.toFixed(2) ?? "-",
        String(alternatives.length),
        isoTime(expiresAtMs),
      ]),
      none: "no route is known",
    };
  });
}

function pathMembers({ peerId, routeClass, score }: RoutePath) {
  return { peer_id: peerId, class: routeClass, score };
}
