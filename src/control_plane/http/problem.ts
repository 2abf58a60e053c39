import type { ProblemCode } from "./problem_codes.ts";

/** What a refused call answers, besides its status. */
export interface ProblemOptions {
  /** A sentence for people. Never a secret, never anything internal. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A call is refused. Thrown by gates and routes, turned into a problem document
 * in one place.
 *
 * @see docs/wire.md, section h.3
 */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: ProblemStatus,
    /** The stable name of the reason, for programs. */
    readonly code: ProblemCode,
    options: ProblemOptions = {},
  ) {
    super(options.detail ?? TITLES[status]);
    this.headers = options.headers ?? {};
  }
}

const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
} as const;

export type ProblemStatus = keyof typeof TITLES;

/**
 * The problem document of an error.
 *
 * @param instance Path of the request.
 * @see RFC 9457
 */
export function problemResponse(
  problem: ProblemError,
  instance: string,
): Response {
  const { status, code, message, headers } = problem;
  const body = JSON.stringify({
    type: "about:blank",
    title: TITLES[status],
    status,
    detail: message,
    instance,
    code,
  });
  return new Response(body + "\n", {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...headers,
    },
  });
}
