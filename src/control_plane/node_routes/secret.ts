import { encodeBase64 } from "../../wire/base64.ts";
import type { SecretResponse } from "../../wire/bodies.ts";
import { jsonAnswer } from "../http/answers.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { SEALED } from "../vault.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

const NONCE_BYTES = 12;

/**
 * `GET /v1/nodes/{node_id}/secrets/{key}`: a secret, encrypted for the node.
 *
 * @see docs/wire.md, section d.2
 */
export function secretRoute(services: Services): NodeRoute {
  const { storage, vault, io } = services;
  return nodeRoute("secret", async (node, { params }) => {
    const key = params["key"]!;
    const stored = await storage.read(async (rows) =>
      await rows.secrets.get(node.id, key)
    );
    if (!stored) throw new ProblemError(404, "secret_not_found");
    const value = await vault.unseal(
      SEALED.secret(node.id, key),
      stored.sealed,
    );
    const nodeKey = await vault.unseal(
      SEALED.nodeKey(node.id),
      node.sealedKey,
    );
    const answer: SecretResponse = {
      key,
      ...await encryptFor(nodeKey, value, io.random.bytes(NONCE_BYTES)),
      version: stored.version,
    };
    return jsonAnswer(answer);
  });
}

async function encryptFor(
  nodeKey: Uint8Array<ArrayBuffer>,
  value: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array<ArrayBuffer>,
) {
  const key = await crypto.subtle.importKey("raw", nodeKey, "AES-GCM", false, [
    "encrypt",
  ]);
  const ciphertext = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce },
    key,
    value,
  );
  return {
    ciphertext: encodeBase64(new Uint8Array(ciphertext)),
    nonce: encodeBase64(nonce),
  };
}
