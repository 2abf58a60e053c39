import { jsonTextAnswer } from "../http/answers.ts";
import type { Services } from "../services.ts";
import { trustBundleText } from "../trust_bundles.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** `GET /v1/nodes/{node_id}/trust-bundle`: whom nodes are to trust. */
export function trustBundleRoute(services: Services): NodeRoute {
  return nodeRoute(
    "trustBundle",
    async () => jsonTextAnswer(await services.storage.read(trustBundleText)),
  );
}
