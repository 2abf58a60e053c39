import type { Logger } from "../platform/log.ts";
import {
  ADMIN_PREFIX,
  type AdminRoute,
  scoped,
} from "./admin_routes/admin_route.ts";
import { auditRoutes } from "./admin_routes/audit.ts";
import { bridgeRoutes } from "./admin_routes/bridges.ts";
import { actionRoutes } from "./admin_routes/actions.ts";
import { domainRoutes, DOMAINS_PREFIX } from "./admin_routes/domains.ts";
import { messageBusRoutes } from "./admin_routes/message_bus.ts";
import { nodeHistoryRoutes } from "./admin_routes/node_history.ts";
import { nodeSentRoutes } from "./admin_routes/node_sent.ts";
import { operatorRoutes } from "./admin_routes/operators.ts";
import { nodeValueRoutes } from "./admin_routes/node_values.ts";
import { nodeRoutes } from "./admin_routes/nodes.ts";
import { policyRoutes } from "./admin_routes/policies.ts";
import { serviceRoutes } from "./admin_routes/services.ts";
import { sessionRoutes } from "./admin_routes/sessions.ts";
import { signingKeyRoutes } from "./admin_routes/signing_keys.ts";
import { trustRootRoutes } from "./admin_routes/trust_roots.ts";
import { tokenRoutes } from "./admin_routes/tokens.ts";
import { ENDPOINTS } from "../wire/endpoints.ts";
import { alsoIn2 } from "./dialect2/node_route2.ts";
import { uploadRoute, withoutTicket } from "./dialect2/outputs.ts";
import { eventsRoute2 } from "./dialect2/events.ts";
import { dialect2Routes } from "./dialect2/routes.ts";
import { stateRoute2 } from "./dialect2/state.ts";
import { ProblemError, problemResponse } from "./http/problem.ts";
import { rawPath } from "./http/request_target.ts";
import { type Route, Router } from "./http/router.ts";
import { artifactRoute } from "./node_routes/artifact.ts";
import { capabilitiesRoute } from "./node_routes/capabilities.ts";
import { credentialsRoutes } from "./node_routes/credentials.ts";
import { deregisterRoute } from "./node_routes/deregister.ts";
import { driftRoute } from "./node_routes/drift.ts";
import { endpointRoute } from "./node_routes/endpoint.ts";
import { eventsRoute } from "./node_routes/events.ts";
import { executionRoutes } from "./node_routes/executions.ts";
import { heartbeatRoute } from "./node_routes/heartbeat.ts";
import { ingestRoutes } from "./node_routes/ingest.ts";
import { behindGates, type NodeRoute } from "./node_routes/node_route.ts";
import { pingRoute } from "./node_routes/ping.ts";
import { registerRoute } from "./node_routes/register.ts";
import { reportRoute } from "./node_routes/report.ts";
import { rotateKeysRoute } from "./node_routes/rotate_keys.ts";
import { secretRoute } from "./node_routes/secret.ts";
import { stateRoute } from "./node_routes/state.ts";
import { trustBundleRoute } from "./node_routes/trust_bundle.ts";
import { CallCounts } from "./operations/call_counts.ts";
import { healthRoutes } from "./operations/health_routes.ts";
import { METRICS_PATH, metricsRoute } from "./operations/metrics_route.ts";
import { openApiRoute } from "./operations/openapi_route.ts";
import { authenticateOperator } from "./operators.ts";
import { type BusSurface, notProvisioned } from "./provision.ts";
import type { Services } from "./services.ts";
import { StorageError } from "./storage/storage.ts";

/** Answers every request, whatever happens; what went wrong inside is logged. */
export function requestHandler(
  services: Services,
): (request: Request, source: string) => Promise<Response> {
  const { storage, io } = services;
  const calls = new CallCounts(io.clock);
  const forNodes = nodeSurface(services);
  const forOperators = [
    ...adminSurface(services),
    metricsRoute(services, calls),
  ];
  const described = openApiRoute(
    [...forNodes, ...forOperators],
    services.version,
  );
  const nodes = new Router(calls.counted([...forNodes, described]));
  const admin = new Router(calls.counted(scoped(forOperators)));
  return async (request, source) => {
    let path = "";
    try {
      path = rawPath(request);
      const isAdmin = isOf(ADMIN_PREFIX, path) ||
        isOf(DOMAINS_PREFIX, path) || path === METRICS_PATH;
      if (isAdmin) {
        const operator = await authenticateOperator(
          { request, source },
          storage,
          io.clock,
        );
        return await admin.answer({ request, source, path }, { operator });
      }
      return await nodes.answer({ request, source, path }, {});
    } catch (error) {
      const problem = problemFrom(error, io.log, request.method, path);
      return problemResponse(problem, path);
    }
  };
}

function isOf(prefix: string, path: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

/** What nodes call. */
function nodeSurface(services: Services): Route[] {
  return [
    ...healthRoutes(services),
    pingRoute(services.version),
    registerRoute(services),
    uploadRoute(services),
    ...busRoutes(services),
    ...credentialsRoutes(services),
    ...behindGates(services, services.gates, [
      ...dialect1Routes(services),
      ...dialect2Routes(services),
      ...inBothDialects(services),
    ]),
  ];
}

/** Pull and stream: both open, or what is missing for them said before all. */
function busRoutes(services: Services): Route[] {
  const { bus, closed } = services;
  const refused = (surface: BusSurface): Route => ({
    ...ENDPOINTS[surface],
    handle: notProvisioned,
  });
  if ("missing" in bus) return [refused("state"), refused("events")];
  const state = [
    stateRoute(services, bus.snapshots),
    stateRoute2(services, bus.snapshots),
  ];
  const events = [eventsRoute(services), eventsRoute2(services)];
  return [
    ...closed.includes("state")
      ? [refused("state")]
      : behindGates(services, bus, state),
    ...closed.includes("events")
      ? [refused("events")]
      : behindGates(services, bus, events),
  ];
}

/** What only nodes of dialect 1 call, or call in their own way. */
function dialect1Routes(services: Services): NodeRoute[] {
  return [
    heartbeatRoute(services),
    secretRoute(services),
    reportRoute(services),
    driftRoute(services),
    rotateKeysRoute(services),
    capabilitiesRoute(services),
    endpointRoute(services),
    ...executionRoutes(services),
    ...ingestRoutes(services),
  ];
}

/** What is the same in either dialect. */
function inBothDialects(services: Services): NodeRoute[] {
  const routes = [
    trustBundleRoute(services),
    deregisterRoute(services),
    artifactRoute(services),
  ];
  return [...routes, ...routes.map(alsoIn2)];
}

/** What operators call. */
function adminSurface(services: Services): AdminRoute[] {
  return [
    ...operatorRoutes(services),
    ...tokenRoutes(services),
    ...domainRoutes(services),
    ...nodeRoutes(services),
    ...nodeValueRoutes(services),
    ...nodeHistoryRoutes(services),
    ...nodeSentRoutes(services),
    ...policyRoutes(services),
    ...bridgeRoutes(services),
    ...serviceRoutes(services),
    ...actionRoutes(services),
    ...sessionRoutes(services),
    ...signingKeyRoutes(services),
    ...trustRootRoutes(services),
    ...messageBusRoutes(services),
    ...auditRoutes(services),
  ];
}

function problemFrom(
  error: unknown,
  log: Logger,
  method: string,
  path: string,
): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof StorageError && error.kind === "unstorable") {
    return new ProblemError(400, "malformed_body", { detail: error.message });
  }
  log.error("Request failed", { method, path: withoutTicket(path), error });
  if (error instanceof StorageError) {
    return new ProblemError(503, "datastore_unavailable", {
      headers: { "retry-after": "5" },
    });
  }
  return new ProblemError(500, "internal_error");
}
