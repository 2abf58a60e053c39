import { jsonTextAnswer } from "../http/answers.ts";
import type { Route } from "../http/router.ts";
import type { Services } from "../services.ts";
import { trustBundleText } from "../trust_bundles.ts";
import { nodeRoute } from "./node_route.ts";

/** `GET /v1/nodes/{node_id}/trust-bundle`: whom nodes are to trust. */
export function trustBundleRoute(services: Services): Route {
  return nodeRoute(
    "trustBundle",
    services,
    async () => jsonTextAnswer(await services.storage.read(trustBundleText)),
  );
}
