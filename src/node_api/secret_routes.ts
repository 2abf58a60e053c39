import type { Logger } from "../platform/log.ts";
import { DecryptError, decryptSecret } from "../trust/decrypt_secret.ts";
import { actionAfter } from "../uplink/after_failure.ts";
import { RETRY_AFTER_CAP_MS } from "../uplink/backoff.ts";
import { ControlError } from "../uplink/control_error.ts";
import type { DegradedReason } from "../wire/status.ts";
import {
  errorAnswer,
  type ExtraHeaders,
  internalError,
  jsonAnswer,
  notFound,
} from "./answers.ts";
import type { ApiSecrets } from "./ports.ts";
import { decodeSegment } from "./request_target.ts";
import type { Call, Route } from "./router.ts";

/** No cache between here and the program that asked may keep a secret. */
const NO_STORE = { "cache-control": "no-store" };

/** As long as the key of any state entry may be. */
const LONGEST_KEY = 1024;

/**
 * The route of one secret's value. Each read asks the control plane; the value
 * is decrypted for the answer and kept nowhere.
 *
 * @param stop Aborts when readers must not be kept waiting any longer.
 * @see docs/wire.md, section f.7
 */
export function secretRoutes(
  secrets: ApiSecrets,
  stop: AbortSignal,
  log: Logger,
): Route[] {
  const get = async (call: Call) => {
    const key = decodeSegment(call.segment);
    if (key === undefined || !canBeAsked(key)) return notFound();
    // Nobody is left to read the answer once the request is given up.
    const signal = AbortSignal.any([stop, call.request.signal]);
    try {
      const response = await secrets.fetch(key, signal);
      const value = await decryptSecret(secrets.key, response);
      const body = { key: response.key, value, version: response.version };
      return jsonAnswer(200, JSON.stringify(body), NO_STORE);
    } catch (error) {
      if (error instanceof DecryptError) {
        // The names of secrets are for the audit trail alone.
        log.error("Secret not decrypted");
        return internalError();
      }
      // Cut off, by the reader or by the stop.
      const cut = signal.aborted && !(error instanceof ControlError);
      const failure = cut ? new ControlError("unreachable", "Cut off") : error;
      if (!(failure instanceof ControlError)) throw error;
      const { kind } = failure;
      if (kind !== "not_found") log.warn("Secret not fetched", { kind });
      return failureAnswer(failure);
    }
  };
  return [["/v1/state/secrets/{key}", { GET: get }]];
}

/** What a failed call to the control plane is to who asked for a secret. */
function failureAnswer(failure: ControlError): Response {
  // Both dialects mean the same by what they answer here.
  switch (actionAfter("secret", failure, 2)) {
    case "local_404":
      return notFound();
    case "local_403":
      return errorAnswer(403, "forbidden by the control plane", NO_STORE);
    case "local_429_with_retry_after":
      return errorAnswer(429, "rate limited by the control plane", {
        ...NO_STORE,
        ...retryAfter(failure),
      });
    case "local_503": {
      const reason: DegradedReason = failure.kind === "unauthorized"
        ? "unauthorized"
        : "control_plane_unreachable";
      const error = "control plane unavailable";
      return errorAnswer(503, error, NO_STORE, { reason });
    }
  }
}

/** In whole seconds, as the header wants it; absent when nothing was asked. */
function retryAfter({ retryAfterMs }: ControlError): ExtraHeaders {
  if (retryAfterMs === undefined) return {};
  const ms = Math.min(retryAfterMs, RETRY_AFTER_CAP_MS);
  return { "retry-after": String(Math.ceil(ms / 1_000)) };
}

/** The same route where secret values are not to be had. */
export function withheldSecretRoutes(): Route[] {
  const get = () =>
    errorAnswer(403, "forbidden: insufficient privileges for secret access");
  return [["/v1/state/secrets/{key}", { GET: get }]];
}

/** A key that no path can carry upstream names no secret. */
function canBeAsked(key: string): boolean {
  return key !== "" && key !== "." && key !== ".." && key.isWellFormed() &&
    key.length <= LONGEST_KEY;
}
