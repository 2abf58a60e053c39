import { registerRequestSchema } from "../../wire/bodies.ts";
import { BOOTSTRAP_TOKEN_2 } from "../../wire/dialect2/bodies.ts";
import { ENDPOINTS } from "../../wire/endpoints.ts";
import { bearerOf } from "../credentials.ts";
import { register2 } from "../dialect2/register.ts";
import { parseJsonBody } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { readText } from "../http/request_body.ts";
import type { Route } from "../http/router.ts";
import { canonicalKey } from "../public_key.ts";
import { registerNode } from "../registration.ts";
import { registrationAnswer } from "../registration_answer.ts";
import type { Services } from "../services.ts";

/** Longest host name there is (RFC 1035), and room for odd ones. */
const MAX_HOSTNAME = 255;

/**
 * `POST /v1/register`: a one-time token becomes a node, in the dialect that it
 * registers in. Dialect 2 shows its token in the body only.
 *
 * @see docs/wire.md, sections a.4 and h.1
 */
export function registerRoute(services: Services): Route {
  return {
    ...ENDPOINTS.register,
    async handle({ request, source }) {
      const { io, stop } = services;
      const text = await readText(request, { clock: io.clock, stop });
      const bearer = bearerOf(request);
      return bearer === undefined && hasBootstrapToken(text)
        ? await register2(services, text, source)
        : await register1(services, text, source, bearer);
    },
  };
}

/** What is no JSON is left to others to refuse. */
function hasBootstrapToken(text: string): boolean {
  try {
    return Object.hasOwn(Object(JSON.parse(text)), "bootstrap_token");
  } catch {
    return false;
  }
}

async function register1(
  services: Services,
  text: string,
  source: string,
  bearer: string | undefined,
): Promise<Response> {
  const { value: body } = parseJsonBody(text, registerRequestSchema);
  if (bearer !== undefined && bearer !== body.token) {
    throw new ProblemError(401, "token_invalid", {
      detail: "The bearer is another token than the body's",
    });
  }
  if (BOOTSTRAP_TOKEN_2.test(body.token)) {
    throw new ProblemError(401, "token_invalid", {
      detail:
        "The token is for dialect 2, which wants registration.project_id " +
        "and registration.resource_handle to be set",
    });
  }
  const registered = await registerNode(services, {
    dialect: 1,
    token: body.token,
    publicKey: canonicalKey(body.public_key),
    hostname: checkedHostname(body.hostname),
    labels: JSON.stringify(body.metadata ?? {}),
    source,
  });
  return await registrationAnswer(services, registered);
}

function checkedHostname(text: string): string {
  if (text.length <= MAX_HOSTNAME && text.isWellFormed()) return text;
  throw new ProblemError(400, "malformed_body", {
    detail: `The hostname is longer than ${MAX_HOSTNAME} characters or no text`,
  });
}
