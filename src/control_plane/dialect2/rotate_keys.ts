import {
  keyRotateRequest2Schema,
  type KeyRotateResponse2,
} from "../../wire/dialect2/bodies.ts";
import { decodeBase64 } from "../../wire/base64.ts";
import { keyIdOf } from "../../wire/key_id.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { rotateMeshKey } from "../key_rotation.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import { canonicalKey } from "../public_key.ts";
import type { Services } from "../services.ts";
import type { Node, Rows } from "../storage/storage.ts";
import { nodeRoute2 } from "./node_route2.ts";
import { renamed } from "./renamed.ts";

/**
 * `POST /v1/keys/rotate`: the caller's new mesh key, which it was asked for.
 *
 * @see docs/wire.md, sections h.1 and h.3
 */
export function rotateKeysRoute2(services: Services): NodeRoute {
  const { changes, io, stop } = services;
  return nodeRoute2("rotateKeys", async ({ id }, { request, source }) => {
    const { value } = await readJson(request, keyRotateRequest2Schema, {
      clock: io.clock,
      stop,
    });
    const node = await renamed({
      public_key_invalid: {
        status: 422,
        code: "keys_rotate_public_key_invalid",
      },
      node_not_found: "keys_rotate_peer_not_found",
    }, () => rotate(value.new_public_key, id, source));
    const answer: KeyRotateResponse2 = {
      // A node has one as soon as it was asked to rotate.
      rotation_id: node.rotationId!,
      kid: keyIdOf(decodeBase64(node.publicKey)!),
      wrap_key_version: node.keyVersion,
    };
    return jsonAnswer(answer);
  });

  async function rotate(
    text: string,
    id: string,
    source: string,
  ): Promise<Node> {
    const publicKey = canonicalKey(text);
    return await changes.make(async (rows, emit) => {
      await checkIsAskedFor(rows, id, publicKey);
      return await rotateMeshKey(rows, emit, id, { publicKey, source }, io);
    });
  }
}

/** The key of the last rotation again is a repetition whose answer was lost. */
async function checkIsAskedFor(rows: Rows, id: string, publicKey: string) {
  const node = await rows.nodes.byId(id);
  if (!node) throw new ProblemError(404, "node_not_found");
  if (node.publicKey === publicKey) {
    if (node.keyVersion > 1) return;
    throw new ProblemError(422, "keys_rotate_public_key_unchanged");
  }
  if (!node.rotateKeys) {
    throw new ProblemError(409, "keys_rotate_no_pending_rotation");
  }
}
