import { answerState } from "../answer_state.ts";
import type { Services } from "../services.ts";
import type { RenderContent } from "../signed_snapshots.ts";
import type {
  SnapshotProvider,
  StateForms,
} from "../state/snapshot_provider.ts";
import { stateDocument } from "../state_document.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** `GET /v1/nodes/{node_id}/state`: all that the node should be. */
export function stateRoute(
  services: Services,
  states: SnapshotProvider,
): NodeRoute {
  const { epoch, io } = services;
  const render: RenderContent = (rows, node) =>
    stateDocument(rows, node, epoch, io.clock.now(), io.log);
  // This dialect's document has no reachability: both forms are one.
  const forms: StateForms = {
    async plain(rows, node) {
      const text = await render(rows, node);
      return { text, stable: text };
    },
    content: render,
  };
  return {
    ...nodeRoute(
      "state",
      (node, { request }) =>
        answerState(services, states, request, node, forms),
    ),
    auditedAs: "node_state.pull",
  };
}
