import * as z from "zod/mini";
import { auditAdmin } from "../admin_audit.ts";
import { parseDuration } from "../../wire/duration.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { rotateSigningKey } from "../signing_keys.ts";
import { ADMIN_PREFIX, type AdminRoute, bodyLimits } from "./admin_route.ts";

const DEFAULT_TRANSITION_MS = 60 * 60_000;
/** Nodes accept the key before for no longer (design, section 6). */
const MAX_TRANSITION_MS = 24 * 60 * 60_000;

export const rotateSigningKeySchema = z.strictObject({
  transition: z.optional(z.string()),
});

/** `POST /signing-keys/rotate` {`transition`?}: a new key signs from now on. */
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
  }];
}

function transitionFrom(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TRANSITION_MS;
  const transitionMs = parseDuration(text);
  if (transitionMs !== undefined && transitionMs <= MAX_TRANSITION_MS) {
    return transitionMs;
  }
  throw new ProblemError(400, "malformed_body", {
    detail: 'The "transition" is a duration such as "10m", of at most 24h',
  });
}
