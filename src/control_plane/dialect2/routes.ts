import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import { artifactRoute2 } from "./artifact.ts";
import { capabilitiesRoute2 } from "./capabilities.ts";
import { endpointRoute2 } from "./endpoint.ts";
import { executionRoute2 } from "./executions.ts";
import { heartbeatRoute2 } from "./heartbeat.ts";
import { ingestRoutes2 } from "./ingest.ts";
import { reportRoutes2 } from "./reports.ts";
import { rotateKeysRoute2 } from "./rotate_keys.ts";
import { secretRoute2 } from "./secret.ts";

/** What only nodes of dialect 2 call, or call in their own way. */
export function dialect2Routes(services: Services): NodeRoute[] {
  return [
    heartbeatRoute2(services),
    secretRoute2(services),
    ...reportRoutes2(services),
    rotateKeysRoute2(services),
    capabilitiesRoute2(services),
    endpointRoute2(services),
    executionRoute2(services),
    ...ingestRoutes2(services),
    artifactRoute2(services),
  ];
}
