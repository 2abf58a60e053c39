import { badAnswer, type LocalAnswer } from "./call.ts";
import { ApiError } from "./errors.ts";
import type { Target } from "./http.ts";

/** What a member of a document must be. */
type Kind = "string" | "number" | "object" | "array";

/**
 * The document of an answer that is as it was promised; what it has beside its
 * main members is not looked at.
 *
 * @throws {LocalCallError} kind "bad_answer" when it is another.
 */
export function documentOf<T>(
  { body }: Pick<LocalAnswer, "body">,
  members: Readonly<Record<string, Kind>> | "list",
  target: Target,
): T {
  const isIt = members === "list"
    ? Array.isArray(body)
    : kindOf(body) === "object" &&
      Object.entries(members).every(([name, kind]) =>
        kindOf(memberOf(body, name)) === kind
      );
  if (isIt) return body as T;
  throw badAnswer(target, "a document that is not the expected one");
}

/** What an answer means that is no success. */
export function apiError(
  { status, headers, body }: Pick<LocalAnswer, "status" | "headers" | "body">,
): ApiError {
  const error = memberOf(body, "error");
  const reason = memberOf(body, "reason");
  const seconds = headers.get("retry-after") ?? "";
  return new ApiError(status, {
    error: typeof error === "string" ? error : `status ${status}`,
    reason: typeof reason === "string" ? reason : undefined,
    retryAfterMs: /^\d{1,9}$/.test(seconds)
      ? Number(seconds) * 1_000
      : undefined,
  });
}

/** A member of a document, if it is one and has it. */
export function memberOf(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null
    ? Object.getOwnPropertyDescriptor(body, name)?.value
    : undefined;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return value === null ? "null" : typeof value;
}
