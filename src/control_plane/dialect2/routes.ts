import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import { heartbeatRoute2 } from "./heartbeat.ts";
import { reportRoutes2 } from "./reports.ts";
import { stateRoute2 } from "./state.ts";

/** What nodes of dialect 2 can call. */
export function dialect2Routes(services: Services): NodeRoute[] {
  return [
    stateRoute2(services),
    heartbeatRoute2(services),
    ...reportRoutes2(services),
  ];
}
