import { carrierRequestSchema } from "../../wire/carrier_credentials.ts";
import { ENDPOINTS } from "../../wire/endpoints.ts";
import { CallRates } from "../call_rates.ts";
import { alsoIn2 } from "../dialect2/node_route2.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Route } from "../http/router.ts";
import type { MessageBus } from "../nats/message_bus.ts";
import type { Services } from "../services.ts";
import { behindGates, type NodeRoute, nodeRoute } from "./node_route.ts";

/**
 * `POST /v1/nodes/{node_id}/credentials`: short-lived credentials for the
 * message bus. Of our own, in either dialect; without a bus it answers 501
 * before anything else.
 */
export function credentialsRoutes(services: Services): Route[] {
  const { messageBus, gates } = services;
  if (!messageBus) {
    return [{ ...ENDPOINTS.credentials, handle: noMessageBus }];
  }
  const route = credentialsRoute(services, messageBus);
  return behindGates(services, gates, [route, alsoIn2(route)]);
}

/** The answer of a control plane that runs without a message bus. */
export function noMessageBus(): Promise<Response> {
  return Promise.reject(
    new ProblemError(501, "message_bus_not_provisioned", {
      detail: "This control plane runs without a message bus",
    }),
  );
}

function credentialsRoute(
  { io, stop }: Services,
  messageBus: MessageBus,
): NodeRoute {
  const rates = new CallRates(io.clock);
  const route = nodeRoute("credentials", async (node, { request }) => {
    rates.count(node.id);
    await readJson(request, carrierRequestSchema, { clock: io.clock, stop });
    return jsonAnswer(await messageBus.credentialsFor(node));
  });
  return { ...route, auditedAs: "node_credentials.issue" };
}
