import type { DegradedReason } from "../wire/status.ts";

/**
 * Answers that carry no state: errors, and small documents built on the spot.
 *
 * @see docs/wire.md, section f.2
 */

/** Header fields beside those that every answer has. */
export type ExtraHeaders = Readonly<Record<string, string>>;

/** A JSON document with a newline at its end. */
export function jsonAnswer(
  status: number,
  json: string,
  extra: ExtraHeaders = {},
): Response {
  const headers = { "content-type": "application/json", ...extra };
  return new Response(json + "\n", { status, headers });
}

/** `{"error":"<text>"}`, with more members where a case asks for them. */
export function errorAnswer(
  status: number,
  error: string,
  extra: ExtraHeaders = {},
  members: Readonly<Record<string, string | number>> = {},
): Response {
  return jsonAnswer(status, JSON.stringify({ error, ...members }), extra);
}

export function notFound(): Response {
  return errorAnswer(404, "not found");
}

/**
 * There is state, but it must not be served now; or there is none, as the node
 * has not joined. That holds for now, not for later.
 */
export function stateRefused(reason: DegradedReason): Response {
  const error = reason === "not_enrolled"
    ? "not enrolled"
    : "state unavailable";
  return errorAnswer(503, error, { "cache-control": "no-store" }, { reason });
}

export function internalError(): Response {
  return errorAnswer(500, "internal error");
}

/** @param allow The methods that the path knows, in the form of an Allow field. */
export function methodNotAllowed(allow: string): Response {
  return errorAnswer(405, "method not allowed", { allow });
}
