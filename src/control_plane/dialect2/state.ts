import { answerState } from "../answer_state.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import { formsOf } from "../state/forms_of.ts";
import type { SnapshotProvider } from "../state/snapshot_provider.ts";
import { nodeRoute2 } from "./node_route2.ts";

/** `GET /v1/nodes/{node_id}/state`: all that the node should be. */
export function stateRoute2(
  services: Services,
  states: SnapshotProvider,
): NodeRoute {
  const forms = formsOf(2, services);
  return {
    ...nodeRoute2(
      "state",
      (node, { request }) =>
        answerState(services, states, request, node, forms),
    ),
    auditedAs: "node_state.pull",
  };
}
