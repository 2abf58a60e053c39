/**
 * Why no answer could be had.
 *
 * - `not_running`: nobody listens there
 * - `no_permission`: this user may not connect
 * - `no_answer`: the request was taken, and no answer came in time
 * - `bad_answer`: what answers is no agent
 */
export type LocalCallFailure =
  | "not_running"
  | "no_permission"
  | "no_answer"
  | "bad_answer";

/** The agent could not be asked. Catch this, then switch on `kind`. */
export class LocalCallError extends Error {
  override readonly name = "LocalCallError";
  readonly kind: LocalCallFailure;

  constructor(kind: LocalCallFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** The agent has answered, and what it said is no success. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status. */
  readonly status: number;
  /** The text of the contract, such as `version conflict`. */
  readonly error: string;
  /** The degraded reason behind it, where the agent names one. */
  readonly reason: string | undefined;
  /** How long to wait before the next try, where the agent says so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number,
    told: {
      readonly error: string;
      readonly reason?: string | undefined;
      readonly retryAfterMs?: number | undefined;
    },
  ) {
    const { error, reason, retryAfterMs } = told;
    super(
      `${error} (${reason === undefined ? status : `${status}, ${reason}`})`,
    );
    this.status = status;
    this.error = error;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}
