import {
  type RegisterRequest2,
  type RegisterResponse2,
  registerResponse2Schema,
} from "../wire/dialect2/bodies.ts";
import { ENDPOINTS } from "../wire/endpoints.ts";
import { decodeRegistration } from "./decode_registration.ts";
import type { HttpCaller } from "./http_caller.ts";

/**
 * Registers a node in dialect 2: without a bearer, as the token is in the
 * request.
 *
 * @throws {ControlError} kind "unsupported" for an answer of dialect 1, "bad_answer"
 * for any other that is none of dialect 2.
 * @see docs/wire.md, sections h.1 and h.3
 */
export async function registerNode2(
  http: HttpCaller,
  request: RegisterRequest2,
  signal: AbortSignal,
): Promise<RegisterResponse2> {
  const { method, path } = ENDPOINTS.register;
  const call = {
    method,
    path,
    json: JSON.stringify(request),
    secrets: [request.bootstrap_token],
  };
  const text = await http.text(call, signal);
  return decodeRegistration(2, registerResponse2Schema, text);
}
