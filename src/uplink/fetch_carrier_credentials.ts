import {
  type CarrierCredentials,
  carrierCredentialsSchema,
  credentialsPath,
} from "../wire/carrier_credentials.ts";
import { parseFirstValue } from "../wire/raw_json.ts";
import { checkShape, ShapeError } from "../wire/shape_error.ts";
import { decodeAnswer, withoutNulls } from "./decode_answer.ts";
import type { HttpCaller } from "./http_caller.ts";

/** Names that need no quoting in a subject of the bus. */
const NAME = /^[A-Za-z0-9_-]{1,255}$/;
const PREFIX = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/**
 * Asks for credentials of the message bus, in either dialect.
 *
 * @throws {ControlError} kind "server" with status 501, or "not_found", where
 * there is no bus; "bad_answer" for credentials that nobody could use.
 */
export async function fetchCarrierCredentials(
  http: HttpCaller,
  node: { readonly nodeId: string; readonly bearer: string },
  signal: AbortSignal,
): Promise<CarrierCredentials> {
  const text = await http.text({
    method: "POST",
    path: credentialsPath(node.nodeId),
    shownPath: "/v1/nodes/{node_id}/credentials",
    json: JSON.stringify({ carrier: "nats" }),
    bearer: node.bearer,
  }, signal);
  return decodeAnswer("credentials", () => {
    const value = withoutNulls(parseFirstValue(text).value);
    const known = checkShape("credentials", carrierCredentialsSchema, value);
    checkNames(known);
    return known;
  });
}

/** What is put into subjects must not be able to mean others. */
function checkNames({ stream, consumer, inbox_prefix }: CarrierCredentials) {
  const isFine = NAME.test(stream) && NAME.test(consumer) &&
    PREFIX.test(inbox_prefix);
  if (isFine) return;
  throw new ShapeError("it names a stream, a consumer or an inbox of no bus");
}
