import * as z from "zod/mini";
import {
  BOOTSTRAP_TOKEN_2,
  registerRequest2Schema,
} from "../../wire/dialect2/bodies.ts";
import { parseJsonBody } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { canonicalKey } from "../public_key.ts";
import { registerNode } from "../registration.ts";
import type { Services } from "../services.ts";
import { tokenParts } from "./bootstrap_token.ts";
import { registrationAnswer2 } from "./registration_answer.ts";
import { renamed } from "./renamed.ts";

const MAX_NONCE = 255;

/** A key of the wrong length has a code of its own, as every other bad key. */
const requestSchema = z.extend(registerRequest2Schema, {
  public_key: z.string(),
});

/**
 * Registers a node in dialect 2.
 *
 * @param text The body, a JSON object.
 * @param source IP address that the call came from.
 * @throws {ProblemError} 422 "registration_invalid", 400 "public_key_invalid",
 * 403 "kind_mismatch" or "project_mismatch", 404 "resource_not_found", and what
 * {@linkcode registerNode} throws.
 * @see docs/wire.md, sections h.1 and h.3
 */
export async function register2(
  services: Services,
  text: string,
  source: string,
): Promise<Response> {
  const body = await renamed(
    { malformed_body: { status: 422, code: "registration_invalid" } },
    () => requestFrom(text),
  );
  const publicKey = checkedKey(body.public_key);
  checkToken(body.bootstrap_token, body.project_id);
  if (body.requested_resource_id !== undefined) {
    throw new ProblemError(404, "resource_not_found", {
      detail: "There are no resources here: leave requested_resource_id out",
    });
  }
  const registered = await registerNode(services, {
    dialect: 2,
    token: body.bootstrap_token,
    nonce: body.nonce,
    publicKey,
    hostname: body.resource_handle,
    labels: JSON.stringify({ project_id: body.project_id }),
    source,
  });
  return await registrationAnswer2(services, registered);
}

function requestFrom(text: string) {
  const { value } = parseJsonBody(text, requestSchema);
  const { nonce, resource_handle, bootstrap_token } = value;
  if (nonce.length > MAX_NONCE) {
    throw malformed(`The nonce has at most ${MAX_NONCE} characters`);
  }
  if (!nonce.isWellFormed() || !resource_handle.isWellFormed()) {
    throw malformed("A text has half a surrogate pair");
  }
  if (!BOOTSTRAP_TOKEN_2.test(bootstrap_token)) {
    throw malformed("The bootstrap token does not have the form of dialect 2");
  }
  return value;
}

function malformed(detail: string) {
  return new ProblemError(400, "malformed_body", { detail });
}

/** Only the one form of it, since repetitions are told by it. */
function checkedKey(text: string): string {
  if (canonicalKey(text) === text) return text;
  throw new ProblemError(400, "public_key_invalid", {
    detail: "The public key has 44 characters",
  });
}

function checkToken(token: string, projectId: string) {
  const { kind, projectId: only } = tokenParts(token);
  if (kind !== "node") {
    throw new ProblemError(403, "kind_mismatch", {
      detail: "The token is not for a node",
    });
  }
  if (only === undefined || only === projectId.toLowerCase()) return;
  throw new ProblemError(403, "project_mismatch", {
    detail: "The token is for another project",
  });
}
