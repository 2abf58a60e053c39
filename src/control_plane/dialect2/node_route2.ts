import { ENDPOINTS, ENDPOINTS_2 } from "../../wire/endpoints.ts";
import type { NodeAnswer, NodeRoute } from "../node_routes/node_route.ts";
import type { ProblemCode } from "../http/problem_codes.ts";

/** Everything that nodes of dialect 2 can call once they are registered. */
const PLACES = { ...ENDPOINTS, ...ENDPOINTS_2 } as const;

/** Surfaces that have a code of their own for a path that names another node. */
const FOREIGN: Readonly<Record<string, ProblemCode>> = {
  state: "insufficient_relation",
  events: "insufficient_relation",
  execution: "nsk_node_mismatch",
};

const OTHERWISE = "node_id_mismatch";

/** A call of dialect 2. @see docs/wire.md, section h.3 */
export function nodeRoute2(
  endpoint: Exclude<keyof typeof PLACES, "ping" | "register">,
  answer: NodeAnswer,
): NodeRoute {
  return {
    ...PLACES[endpoint],
    dialect: 2,
    foreignCode: FOREIGN[endpoint] ?? OTHERWISE,
    answer,
  };
}

/** A call of dialect 1 that dialect 2 has in the same form. */
export function alsoIn2(route: NodeRoute): NodeRoute {
  return { ...route, dialect: 2, foreignCode: OTHERWISE };
}
