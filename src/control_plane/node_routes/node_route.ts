import { ENDPOINTS } from "../../wire/endpoints.ts";
import type { Call, Route } from "../http/router.ts";
import { passGates, passOwnGates } from "../node_gates.ts";
import type { Services } from "../services.ts";
import type { Node } from "../storage/storage.ts";

/** Calls whose path names no node: the one that calls is meant. */
type OwnEndpoint = "rotateKeys" | "artifact";

type NodeEndpoint = Exclude<
  keyof typeof ENDPOINTS,
  "ping" | "register" | OwnEndpoint
>;

type NodeAnswer = (node: Node, call: Call) => Promise<Response>;

/** A route of one node, behind the gates. */
export function nodeRoute(
  endpoint: NodeEndpoint,
  services: Services,
  answer: NodeAnswer,
): Route {
  return {
    ...ENDPOINTS[endpoint],
    async handle(call) {
      const node = await passGates(
        call.request,
        call.params["node_id"]!,
        services,
      );
      return await answer(node, call);
    },
  };
}

/** A route for any node, of which the caller must be one. */
export function ownRoute(
  endpoint: OwnEndpoint,
  services: Services,
  answer: NodeAnswer,
): Route {
  return {
    ...ENDPOINTS[endpoint],
    async handle(call) {
      return await answer(await passOwnGates(call.request, services), call);
    },
  };
}
