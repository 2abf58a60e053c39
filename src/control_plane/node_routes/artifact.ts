import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/**
 * `GET /v1/artifacts/plexd/{version}/{os}/{arch}`: a release of plexd, for any
 * node.
 *
 * @see docs/wire.md, section a.3
 */
export function artifactRoute(services: Services): NodeRoute {
  return nodeRoute("artifact", async (_node, { params }) => {
    const artifact = await services.artifacts.open({
      version: params["version"]!,
      os: params["os"]!,
      arch: params["arch"]!,
    });
    if (!artifact) throw new ProblemError(404, "artifact_not_found");
    return new Response(artifact.body, {
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(artifact.bytes),
        "cache-control": "no-store, no-transform",
      },
    });
  });
}
