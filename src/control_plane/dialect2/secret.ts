import {
  SECRET_KID_HEADER,
  SECRET_NAME_2,
  SECRET_VERSION_HEADER,
} from "../../wire/dialect2/bodies.ts";
import { keyIdOf } from "../../wire/key_id.ts";
import { CallRates } from "../call_rates.ts";
import { ProblemError } from "../http/problem.ts";
import type { Call } from "../http/router.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import { openSecret, SECRET_READS } from "../secrets.ts";
import type { Services } from "../services.ts";
import { nodeRoute2 } from "./node_route2.ts";

/**
 * `GET /v1/nodes/{node_id}/secrets/{key}`: a secret, encrypted for the node, as
 * bytes. Only the newest version is kept.
 *
 * @see docs/wire.md, sections d.3 and h.5
 */
export function secretRoute2(services: Services): NodeRoute {
  const rates = new CallRates(services.io.clock, SECRET_READS);
  return nodeRoute2("secret", async (node, call) => {
    rates.count(node.id);
    const name = call.params["key"]!;
    const wanted = versionIn(call);
    const secret = SECRET_NAME_2.test(name)
      ? await openSecret(services, node, name)
      : undefined;
    if (!secret) throw new ProblemError(404, "secret_not_found");
    if (wanted !== undefined && wanted !== secret.version) {
      throw new ProblemError(404, "secret_version_not_found");
    }
    const { nonce, ciphertext, version, nodeKey } = secret;
    const body = new Uint8Array(nonce.length + ciphertext.length);
    body.set(nonce);
    body.set(ciphertext, nonce.length);
    return new Response(body, {
      headers: {
        "content-type": "application/octet-stream",
        "cache-control": "no-store, no-transform",
        [SECRET_VERSION_HEADER]: String(version),
        [SECRET_KID_HEADER]: keyIdOf(nodeKey),
      },
    });
  });
}

function versionIn({ request }: Call): number | undefined {
  const text = new URL(request.url).searchParams.get("version");
  if (text === null) return undefined;
  const version = /^[1-9]\d*$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(version)) return version;
  throw new ProblemError(400, "malformed_version", {
    detail: 'The "version" is an integer from 1 on',
  });
}
