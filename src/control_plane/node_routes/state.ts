import { answerState } from "../answer_state.ts";
import type { Services } from "../services.ts";
import { formsOf } from "../state/forms_of.ts";
import type { SnapshotProvider } from "../state/snapshot_provider.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** `GET /v1/nodes/{node_id}/state`: all that the node should be. */
export function stateRoute(
  services: Services,
  states: SnapshotProvider,
): NodeRoute {
  const forms = formsOf(1, services);
  return {
    ...nodeRoute(
      "state",
      (node, { request }) =>
        answerState(services, states, request, node, forms),
    ),
    auditedAs: "node_state.pull",
  };
}
