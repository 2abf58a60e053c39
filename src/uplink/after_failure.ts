import type { Dialect } from "../wire/dialect.ts";
import { AFTER_FAILURE, ControlError, isAboutCall } from "./control_error.ts";

/** What a loop may have to do about a failed call, by the surface it called. */
export interface SurfaceActions {
  readonly events:
    | "transient"
    | "rate_limited"
    | "auth"
    | "permanent"
    | "pull_only_reprobe"
    | "clear_cursor_and_retry";
  readonly state:
    | "transient"
    | "rate_limited"
    | "auth"
    | "permanent"
    | "keep_cache_and_retry";
  readonly register: "transient" | "rate_limited" | "stop";
  readonly secret:
    | "local_403"
    | "local_404"
    | "local_429_with_retry_after"
    | "local_503";
  /** Metrics, logs and audit records. */
  readonly metrics: "transient" | "rate_limited" | "drop" | "split_batch";
}

/** What of the control plane was called. */
export type Surface = keyof SurfaceActions;

type Decide<Name extends Surface> = (
  error: ControlError,
  dialect: Dialect,
) => SurfaceActions[Name];

/** The code with which dialect 2 says that there will be no stream for now. */
const NO_EVENT_BUS = "signed_event_bus_not_provisioned";

const DECIDE: { readonly [Name in Surface]: Decide<Name> } = {
  events(error, dialect) {
    if (dialect === 2 && error.kind === "bad_request") {
      return "clear_cursor_and_retry";
    }
    return lacksEventBus(error, dialect)
      ? "pull_only_reprobe"
      : AFTER_FAILURE[error.kind].stream;
  },
  state: (error, dialect) =>
    lacksEventBus(error, dialect)
      ? "keep_cache_and_retry"
      : AFTER_FAILURE[error.kind].stream,
  register({ kind }, dialect) {
    // Dialect 2 repeats only what can end differently by itself.
    return dialect === 2 &&
        (kind === "unexpected_status" || kind === "too_large")
      ? "stop"
      : AFTER_FAILURE[kind].registration;
  },
  secret({ kind, isPage }) {
    // A proxy knows nothing of secrets.
    if (isPage && (kind === "forbidden" || kind === "not_found")) {
      return "local_503";
    }
    switch (kind) {
      case "forbidden":
        return "local_403";
      case "not_found":
        return "local_404";
      case "rate_limited":
        return "local_429_with_retry_after";
      default:
        return "local_503";
    }
  },
  metrics({ kind, status = 0 }) {
    switch (kind) {
      case "too_large":
        return "split_batch";
      case "rate_limited":
        return "rate_limited";
      case "bad_request":
      case "forbidden":
      case "not_found":
      case "conflict":
      case "unsupported":
        return "drop";
      case "unexpected_status":
        return isAboutCall(status) ? "drop" : "transient";
      default:
        // Nobody takes them there, and a buffer of old samples helps nobody.
        return status === 501 ? "drop" : "transient";
    }
  },
};

/**
 * What to do after a failed call. Loops obey this and never look at a status.
 *
 * A failure that is none of the control plane's, such as a full disk, counts as
 * transient, and a secret that cannot be had for it is a local 503.
 *
 * @see docs/wire.md, sections a.2, h.3 and h.8
 */
export function actionAfter<Name extends Surface>(
  surface: Name,
  error: unknown,
  dialect: Dialect,
): SurfaceActions[Name] {
  const known = error instanceof ControlError
    ? error
    : new ControlError("unreachable", "A failure on this side", {
      cause: error,
    });
  return DECIDE[surface](known, dialect);
}

function lacksEventBus(
  { status, code }: ControlError,
  dialect: Dialect,
): boolean {
  return dialect === 2 && status === 501 && code === NO_EVENT_BUS;
}
