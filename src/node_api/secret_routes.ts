import type { Logger } from "../platform/log.ts";
import { DecryptError, decryptSecret } from "../trust/decrypt_secret.ts";
import type { DegradedReason } from "../wire/status.ts";
import { errorAnswer, internalError, jsonAnswer, notFound } from "./answers.ts";
import { failureKind } from "./failure.ts";
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
        log.error("Secret not decrypted", { key });
        return internalError();
      }
      const kind = failureKind(error, "ControlError");
      if (kind === "not_found") return notFound();
      if (kind === undefined && !signal.aborted) throw error;
      log.warn("Secret not fetched", { key, kind: kind ?? "aborted" });
      return unavailable(kind);
    }
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

function unavailable(kind: string | undefined): Response {
  const reason: DegradedReason = kind === "unauthorized" || kind === "forbidden"
    ? "unauthorized"
    : "control_plane_unreachable";
  return errorAnswer(503, "control plane unavailable", NO_STORE, { reason });
}
