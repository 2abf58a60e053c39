/** Every way a call to the control plane can fail. */
export type ControlFailure =
  | "bad_request"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "rate_limited"
  | "server"
  | "unexpected_status"
  | "unreachable"
  | "timeout"
  | "bad_answer"
  | "unsupported";

/** What is known about a failure beyond its kind. */
export interface ControlErrorDetails {
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly serverText?: string;
  readonly code?: string;
  readonly correlationId?: string;
  readonly isPage?: boolean;
  readonly cause?: unknown;
}

/**
 * A call to the control plane failed. Catch this, then look at `kind`: the
 * eight of the seed, from "bad_request" to "server", say what it answered.
 *
 * ```ts
 * if (!(error instanceof ControlError && error.kind === "not_found")) throw error;
 * ```
 *
 * A call that its caller cancelled does not end in one: it rejects with the
 * signal's reason.
 */
export class ControlError extends Error {
  override readonly name = "ControlError";
  readonly kind: ControlFailure;
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  /** What the server asked for with 429 or 503, as it said it: unbounded. */
  readonly retryAfterMs?: number;
  /** Start of the error body: bounded, on one line, without our own token. */
  readonly serverText?: string;
  /** Stable name of the reason, from a problem document of dialect 2. */
  readonly code?: string;
  /**
   * Under what the server has noted the call, for whoever asks its operator. It
   * is another one each time, so that the message does not have it.
   */
  readonly correlationId?: string;
  /** The answer was a web page: who gave it is not the control plane. */
  readonly isPage: boolean;

  constructor(
    kind: ControlFailure,
    message: string,
    details: ControlErrorDetails = {},
  ) {
    const { status, retryAfterMs, serverText, code, correlationId, cause } =
      details;
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    if (status !== undefined) this.status = status;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (serverText !== undefined) this.serverText = serverText;
    if (code !== undefined) this.code = code;
    if (correlationId !== undefined) this.correlationId = correlationId;
    this.isPage = details.isPage ?? false;
  }
}

/** What a loop does about a failure; `stop` means that trying again is no use. */
interface Decision {
  readonly stream: "transient" | "auth" | "permanent" | "rate_limited";
  readonly registration: "transient" | "stop" | "rate_limited";
}

/**
 * Decided once; loops obey it and never look at a status.
 *
 * @see docs/wire.md, section a.2
 */
export const AFTER_FAILURE = {
  bad_request: { stream: "transient", registration: "stop" },
  unauthorized: { stream: "auth", registration: "stop" },
  forbidden: { stream: "permanent", registration: "stop" },
  not_found: { stream: "permanent", registration: "stop" },
  conflict: { stream: "transient", registration: "stop" },
  too_large: { stream: "transient", registration: "transient" },
  rate_limited: { stream: "rate_limited", registration: "rate_limited" },
  server: { stream: "transient", registration: "transient" },
  unexpected_status: { stream: "transient", registration: "transient" },
  unreachable: { stream: "transient", registration: "transient" },
  timeout: { stream: "transient", registration: "transient" },
  bad_answer: { stream: "transient", registration: "transient" },
  unsupported: { stream: "permanent", registration: "stop" },
} as const satisfies Record<ControlFailure, Decision>;

/** The kind of failure that a status outside 200 to 299 stands for. */
export function failureOf(status: number): ControlFailure {
  switch (status) {
    case 400:
      return "bad_request";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 409:
      return "conflict";
    case 413:
      return "too_large";
    case 429:
      return "rate_limited";
    default:
      return status >= 500 && status <= 599 ? "server" : "unexpected_status";
  }
}

/**
 * Whether a status is about the call itself. A time-out, or a redirect of what
 * stands in between, passes.
 */
export function isAboutCall(status: number): boolean {
  return status >= 400 && status <= 499 && status !== 408;
}
