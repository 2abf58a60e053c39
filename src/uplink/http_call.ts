import { NDJSON_MEDIA_TYPE } from "../wire/dialect2/bodies.ts";
import { fillPath } from "../wire/endpoints.ts";
import { ControlError } from "./control_error.ts";
import { encodeRequestBody, type RequestBody } from "./request_body.ts";

/** One request. It has a body when it names one, and then just one. */
export interface HttpCall {
  readonly method: string;
  /** Begins with a slash; its values are already encoded. */
  readonly path: string;
  /**
   * The path for logs and messages, when its values are nobody's business: the
   * name of a secret is for the audit trail alone.
   * @default `path`
   */
  readonly shownPath?: string;
  /** JSON text. */
  readonly json?: string;
  /** JSON texts, each on a line of its own. */
  readonly ndjson?: string;
  readonly bearer?: string;
  /** Further headers; they win over those that every call has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Media type of the wanted answer. @default {"application/json"} */
  readonly accept?: string;
  /** Most bytes of the answer, once decoded. @default what the caller was given */
  readonly maxAnswerBytes?: number;
  /** Beside the bearer, what must not be shown when the server quotes it. */
  readonly secrets?: readonly string[];
}

/** A method and a path with `{name}` places. */
export interface Place {
  readonly method: string;
  readonly path: string;
}

/**
 * The call of a place, without a body. Logs and messages show the place, not
 * the values.
 *
 * @throws {ControlError} kind "not_found" for a value that no path can carry:
 * there can be nothing of that name.
 */
export function callOf(
  { method, path }: Place,
  values: Readonly<Record<string, string>> = {},
): HttpCall {
  try {
    return { method, path: fillPath(path, values), shownPath: path };
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    throw new ControlError(
      "not_found",
      `${method} ${path} was not called: a name in it fits no path`,
      { cause },
    );
  }
}

/** The path of a call, as logs and messages show it. */
export function shownPathOf({ path, shownPath }: HttpCall): string {
  return shownPath ?? path;
}

/** How messages name a call. */
export function nameOf(call: HttpCall): string {
  return `${call.method} ${shownPathOf(call)}`;
}

/** What must not be shown of a call. */
export function secretsOf({ bearer, secrets = [] }: HttpCall): string[] {
  return [...secrets, ...(bearer ? [bearer] : [])];
}

/** The body of a call as it is sent, compressed when it is long. */
export async function bodyOf(
  { json, ndjson }: HttpCall,
): Promise<RequestBody | undefined> {
  if (json !== undefined) return await encodeRequestBody(json);
  if (ndjson === undefined) return undefined;
  return await encodeRequestBody(ndjson, NDJSON_MEDIA_TYPE);
}
