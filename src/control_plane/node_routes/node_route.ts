import { ENDPOINTS } from "../../wire/endpoints.ts";
import type { Call, Route } from "../http/router.ts";
import { passGates } from "../node_gates.ts";
import type { Services } from "../services.ts";
import type { Node } from "../storage/storage.ts";

type NodeEndpoint = Exclude<keyof typeof ENDPOINTS, "ping" | "register">;

/** A route of one node, behind the gates. */
export function nodeRoute(
  endpoint: NodeEndpoint,
  services: Services,
  answer: (node: Node, call: Call) => Promise<Response>,
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
