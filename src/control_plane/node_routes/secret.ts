import { encodeBase64 } from "../../wire/base64.ts";
import type { SecretResponse } from "../../wire/bodies.ts";
import { CallRates } from "../call_rates.ts";
import { jsonAnswer } from "../http/answers.ts";
import { ProblemError } from "../http/problem.ts";
import { openSecret, SECRET_READS } from "../secrets.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/**
 * `GET /v1/nodes/{node_id}/secrets/{key}`: a secret, encrypted for the node.
 *
 * @see docs/wire.md, section d.2
 */
export function secretRoute(services: Services): NodeRoute {
  const rates = new CallRates(services.io.clock, SECRET_READS);
  return nodeRoute("secret", async (node, { params }) => {
    rates.count(node.id);
    const key = params["key"]!;
    const secret = await openSecret(services, node, key);
    if (!secret) throw new ProblemError(404, "secret_not_found");
    const answer: SecretResponse = {
      key,
      ciphertext: encodeBase64(secret.ciphertext),
      nonce: encodeBase64(secret.nonce),
      version: secret.version,
    };
    return jsonAnswer(answer);
  });
}
