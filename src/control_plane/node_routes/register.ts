import { isoTime } from "../../platform/clock.ts";
import { registerRequestSchema } from "../../wire/bodies.ts";
import { ENDPOINTS } from "../../wire/endpoints.ts";
import { bearerOf } from "../credentials.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Route } from "../http/router.ts";
import { canonicalKey } from "../public_key.ts";
import { registerNode } from "../registration.ts";
import type { Services } from "../services.ts";
import { peersOf } from "../state_document.ts";
import { announcedKeys } from "../signing_keys.ts";
import { trustBundleText, trustRootKey } from "../trust_bundles.ts";

/** Longest host name there is (RFC 1035), and room for odd ones. */
const MAX_HOSTNAME = 255;

/**
 * `POST /v1/register`: a one-time token becomes a node.
 *
 * @see docs/wire.md, section a.4
 */
export function registerRoute(services: Services): Route {
  return {
    ...ENDPOINTS.register,
    async handle({ request }) {
      const { value: body } = await readJson(request, registerRequestSchema, {
        clock: services.io.clock,
        stop: services.stop,
      });
      const bearer = bearerOf(request);
      if (bearer !== undefined && bearer !== body.token) {
        throw new ProblemError(401, "token_invalid", {
          detail: "The bearer is another token than the body's",
        });
      }
      const { node, nodeSecretKey } = await registerNode(services, {
        token: body.token,
        publicKey: canonicalKey(body.public_key),
        hostname: checkedHostname(body.hostname),
        labels: JSON.stringify(body.metadata ?? {}),
      });
      const { peers, keys, trustRoot, trustBundle } = await services.storage
        .read(async (rows) => ({
          peers: await peersOf(rows, node),
          keys: await announcedKeys(rows, services.io.clock.now()),
          trustRoot: await trustRootKey(rows),
          trustBundle: await trustBundleText(rows),
        }));
      services.streams.closeNode(node.id);
      services.io.log.info("Node registered", {
        node_id: node.id,
        mesh_ip: node.meshIp,
        hostname: node.hostname,
        at: isoTime(node.registeredAtMs),
      });
      return jsonAnswer({
        node_id: node.id,
        mesh_ip: node.meshIp,
        signing_public_key: keys.current,
        node_secret_key: nodeSecretKey,
        domain_id: node.domainId,
        peers,
        trust_root: trustRoot,
        trust_bundle: JSON.parse(trustBundle),
        snapshots: services.signedStates,
      }, 201);
    },
  };
}

function checkedHostname(text: string): string {
  if (text.length <= MAX_HOSTNAME && text.isWellFormed()) return text;
  throw new ProblemError(400, "malformed_body", {
    detail: `The hostname is longer than ${MAX_HOSTNAME} characters or no text`,
  });
}
