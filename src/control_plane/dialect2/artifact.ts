import { jsonAnswer } from "../http/answers.ts";
import { ProblemError } from "../http/problem.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import { nodeRoute2 } from "./node_route2.ts";

/**
 * `GET /v1/artifacts/plexd/{version}`: what there is of a release, with the
 * SHA-256 of each program in hex.
 *
 * @see docs/wire.md, section h.1
 */
export function artifactRoute2({ artifacts }: Services): NodeRoute {
  return nodeRoute2("artifact", async (_node, { params }) => {
    const version = params["version"]!;
    const names = await artifacts.namesOf(version);
    const found = await Promise.all(names.map(async ({ os, arch }) => {
      const sum = await artifacts.sumOf({ version, os, arch });
      return sum && { os, arch, ...sum };
    }));
    const programs = found.filter((program) => program !== undefined)
      .sort((a, b) => `${a.os}-${a.arch}` < `${b.os}-${b.arch}` ? -1 : 1);
    if (programs.length === 0) {
      throw new ProblemError(404, "artifact_not_found");
    }
    return jsonAnswer({ version, artifacts: programs });
  });
}
