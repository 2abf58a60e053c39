import { answerState } from "../answer_state.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import type {
  SnapshotProvider,
  StateForms,
} from "../state/snapshot_provider.ts";
import type { RenderContent } from "../signed_snapshots.ts";
import { nodeRoute2 } from "./node_route2.ts";
import { signedContent2, snapshot2 } from "./snapshot.ts";

/** `GET /v1/nodes/{node_id}/state`: all that the node should be. */
export function stateRoute2(
  services: Services,
  states: SnapshotProvider,
): NodeRoute {
  const { clock, log } = services.io;
  const plain: StateForms["plain"] = (rows, node) =>
    snapshot2(rows, node, clock.now(), log);
  const content: RenderContent = (rows, node) =>
    signedContent2(rows, node, clock.now(), log);
  return {
    ...nodeRoute2(
      "state",
      (node, { request }) =>
        answerState(services, states, request, node, { plain, content }),
    ),
    auditedAs: "node_state.pull",
  };
}
