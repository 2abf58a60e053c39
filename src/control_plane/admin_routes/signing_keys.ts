import * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import { auditAdmin } from "../admin_audit.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import {
  listSigningKeys,
  revokeSigningKey,
  rotateSigningKey,
} from "../signing_keys.ts";
import {
  ADMIN_PREFIX,
  type AdminRoute,
  bodyLimits,
  durationMs,
} from "./admin_route.ts";

const DEFAULT_TRANSITION_MS = 60 * 60_000;
/** Nodes accept the key before for no longer (design, section 6). */
const MAX_TRANSITION_MS = 24 * 60 * 60_000;

export const rotateSigningKeySchema = z.strictObject({
  transition: z.optional(z.string()),
});

/**
 * `POST /signing-keys/rotate` {`transition`?}: a new key signs from now on.
 * `GET /signing-keys` lists them, `POST /signing-keys/{key_id}/revoke` takes one
 * away for good.
 */
export function signingKeyRoutes(services: Services): AdminRoute[] {
  const { io } = services;
  return [{
    method: "POST",
    path: `${ADMIN_PREFIX}/signing-keys/rotate`,
    scope: "keys",
    async handle({ request, operator }) {
      const { value } = await readJson(
        request,
        rotateSigningKeySchema,
        bodyLimits(services),
      );
      const announced = await rotateSigningKey(
        services,
        transitionFrom(value.transition),
        (rows) =>
          auditAdmin(
            rows,
            io.clock,
            operator,
            "signing_key.rotate",
            "all nodes",
          ),
      );
      io.log.info("Signing key rotated", {
        transition_expires: announced.transition_expires,
      });
      return jsonAnswer(announced);
    },
  }, {
    method: "GET",
    path: `${ADMIN_PREFIX}/signing-keys`,
    async handle() {
      const keys = await services.storage.read((rows) =>
        listSigningKeys(rows, io.clock.now())
      );
      return jsonAnswer({
        signing_keys: keys.map((key) => ({
          key_id: key.keyId,
          public_key: key.publicKey,
          state: key.state,
          created_at: isoTime(key.createdAtMs),
          ...(key.retiredAtMs === undefined
            ? {}
            : { retired_at: isoTime(key.retiredAtMs) }),
        })),
      });
    },
  }, {
    method: "POST",
    path: `${ADMIN_PREFIX}/signing-keys/{key_id}/revoke`,
    scope: "keys",
    async handle({ params, operator }) {
      const keyId = params["key_id"]!;
      const target = `signing_key:${keyId}`;
      const announced = await revokeSigningKey(
        services,
        keyId,
        (rows) =>
          auditAdmin(rows, io.clock, operator, "signing_key.revoke", target),
      );
      if (!announced) throw new ProblemError(404, "key_not_found");
      io.log.warn("Signing key revoked", { key_id: keyId });
      return jsonAnswer(announced);
    },
  }];
}

function transitionFrom(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TRANSITION_MS;
  return durationMs(text, {
    atLeastMs: 0,
    atMostMs: MAX_TRANSITION_MS,
    otherwise: 'The "transition" is a duration such as "10m", of at most 24h',
  });
}
