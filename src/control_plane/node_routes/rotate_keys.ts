import { keyRotateRequestSchema } from "../../wire/bodies.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { rotateMeshKey } from "../key_rotation.ts";
import { canonicalKey } from "../public_key.ts";
import type { Services } from "../services.ts";
import { peersOf } from "../state_document.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/**
 * `POST /v1/keys/rotate`: the caller's new mesh key, answered with its peers.
 *
 * @see docs/wire.md, section a.3
 */
export function rotateKeysRoute(services: Services): NodeRoute {
  const { changes, io, stop } = services;
  return nodeRoute("rotateKeys", async ({ id }, { request, source }) => {
    const { value } = await readJson(request, keyRotateRequestSchema, {
      clock: io.clock,
      stop,
    });
    if (value.node_id !== id) throw new ProblemError(403, "node_id_mismatch");
    const publicKey = canonicalKey(value.new_public_key);
    const peers = await changes.make(async (rows, emit) =>
      await peersOf(
        rows,
        await rotateMeshKey(rows, emit, id, { publicKey, source }, io),
        io.log,
      )
    );
    return jsonAnswer({ updated_peers: peers });
  });
}
