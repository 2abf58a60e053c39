import type { Logger } from "../platform/log.ts";
import { DecryptError, decryptSecret } from "../trust/decrypt_secret.ts";
import { actionAfter } from "../uplink/after_failure.ts";
import { RETRY_AFTER_CAP_MS } from "../uplink/backoff.ts";
import { ControlError } from "../uplink/control_error.ts";
import {
  errorAnswer,
  type ExtraHeaders,
  jsonAnswer,
  stateRefused,
} from "./answers.ts";
import type { ApiSecrets } from "./ports.ts";
import { decodeSegment } from "./request_target.ts";
import type { Call, Route } from "./router.ts";
import {
  type SecretRefusal,
  SecretUnavailableError,
} from "./secret_unavailable.ts";

/** No cache between here and the program that asked may keep a secret. */
const NO_STORE = { "cache-control": "no-store" };

/** As long as the key of any state entry may be. */
const LONGEST_KEY = 1024;

/** What the routes of secrets work with. */
export interface SecretRoutesOptions {
  readonly secrets: ApiSecrets;
  /** Brings short-lived credentials up to date before the call. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
  /** Aborts when readers must not be kept waiting any longer. */
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/**
 * The route of one secret's value. Each read asks the control plane; the value
 * is decrypted for the answer and kept nowhere.
 *
 * @see docs/wire.md, section f.7
 */
export function secretRoutes(
  { secrets, refresh, stop, log }: SecretRoutesOptions,
): Route[] {
  const get = async (call: Call) => {
    const key = decodeSegment(call.segment);
    if (key === undefined || !canBeAsked(key)) return noSuchSecret();
    // Nobody is left to read the answer once the request is given up.
    const signal = AbortSignal.any([stop, call.request.signal]);
    try {
      await refresh(signal);
      const response = await secrets.fetch(key, signal);
      const value = await decryptSecret(secrets.key, response);
      const body = { key: response.key, value, version: response.version };
      return jsonAnswer(200, JSON.stringify(body), NO_STORE);
    } catch (error) {
      if (error instanceof DecryptError) {
        // The names of secrets are for the audit trail alone.
        log.error("Secret not decrypted");
        return errorAnswer(500, "internal error", NO_STORE);
      }
      // Cut off, by the reader or by the stop.
      if (error instanceof SecretUnavailableError) {
        log.warn("Secret not fetched", { kind: error.reason });
        return unavailable(error.reason);
      }
      const cut = signal.aborted && !(error instanceof ControlError);
      const failure = cut ? new ControlError("unreachable", "Cut off") : error;
      if (!(failure instanceof ControlError)) {
        log.error("Secret not fetched", { error });
        return errorAnswer(500, "internal error", NO_STORE);
      }
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
      return noSuchSecret();
    case "local_403":
      return errorAnswer(403, "forbidden by the control plane", NO_STORE);
    case "local_429_with_retry_after":
      return errorAnswer(429, "rate limited by the control plane", {
        ...NO_STORE,
        ...retryAfter(failure),
      });
    case "local_503":
      return unavailable(
        failure.kind === "unauthorized"
          ? "unauthorized"
          : "control_plane_unreachable",
      );
  }
}

function unavailable(reason: SecretRefusal): Response {
  return errorAnswer(503, "control plane unavailable", NO_STORE, { reason });
}

function noSuchSecret(): Response {
  return errorAnswer(404, "not found", NO_STORE);
}

/** In whole seconds, as the header wants it; absent when nothing was asked. */
function retryAfter({ retryAfterMs }: ControlError): ExtraHeaders {
  if (retryAfterMs === undefined) return {};
  const ms = Math.min(retryAfterMs, RETRY_AFTER_CAP_MS);
  return { "retry-after": String(Math.ceil(ms / 1_000)) };
}

/** The same route while the node is not enrolled. */
export function unenrolledSecretRoutes(): Route[] {
  const get = () => stateRefused("not_enrolled");
  return [["/v1/state/secrets/{key}", { GET: get }]];
}

/** The same route where secret values are not to be had. */
export function withheldSecretRoutes(): Route[] {
  const get = () =>
    errorAnswer(
      403,
      "forbidden: insufficient privileges for secret access",
      NO_STORE,
    );
  return [["/v1/state/secrets/{key}", { GET: get }]];
}

/** A key that no path can carry upstream names no secret. */
function canBeAsked(key: string): boolean {
  return key !== "" && key !== "." && key !== ".." && key.isWellFormed() &&
    key.length <= LONGEST_KEY;
}
