import type { Logger } from "../platform/log.ts";
import { DecryptError, decryptSecret } from "../trust/decrypt_secret.ts";
import { ControlError, type ControlFailure } from "../uplink/control_error.ts";
import type { DegradedReason } from "../wire/status.ts";
import { errorAnswer, internalError, jsonAnswer, notFound } from "./answers.ts";
import type { ApiSecrets } from "./ports.ts";
import { decodeSegment } from "./request_target.ts";
import type { Call, Route } from "./router.ts";

/** No cache between here and the program that asked may keep a secret. */
const NO_STORE = { "cache-control": "no-store" };

/** What a failed call to the control plane means to who asked for a secret. */
const MEANING = {
  not_found: "not_found",
  unauthorized: "unauthorized",
  forbidden: "unauthorized",
  bad_request: "control_plane_unreachable",
  conflict: "control_plane_unreachable",
  too_large: "control_plane_unreachable",
  rate_limited: "control_plane_unreachable",
  server: "control_plane_unreachable",
  unexpected_status: "control_plane_unreachable",
  unreachable: "control_plane_unreachable",
  timeout: "control_plane_unreachable",
  bad_answer: "control_plane_unreachable",
  unsupported: "control_plane_unreachable",
} as const satisfies Record<ControlFailure, DegradedReason | "not_found">;

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
        log.error("Secret not decrypted", { key });
        return internalError();
      }
      if (error instanceof ControlError) return failed(key, error.kind);
      // Cut off, by the reader or by the stop.
      if (signal.aborted) return failed(key, "unreachable");
      throw error;
    }
  };
  const failed = (key: string, kind: ControlFailure) => {
    const reason = MEANING[kind];
    if (reason === "not_found") return notFound();
    log.warn("Secret not fetched", { key, kind });
    const error = "control plane unavailable";
    return errorAnswer(503, error, NO_STORE, { reason });
  };
  return [["/v1/state/secrets/{key}", { GET: get }]];
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
