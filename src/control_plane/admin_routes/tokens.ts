import * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import { auditAdmin } from "../admin_audit.ts";
import { hashOf, newToken } from "../credentials.ts";
import { DEFAULT_DOMAIN, ensureDomain } from "../domains.ts";
import { parseDuration } from "../../wire/duration.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Route } from "../http/router.ts";
import type { Services } from "../services.ts";
import { ADMIN_PREFIX, bodyLimits } from "./admin_route.ts";

const DEFAULT_TTL_MS = 60 * 60_000;
/** A token that lies about for longer is a risk without a use. */
const MAX_TTL_MS = 30 * 24 * 60 * 60_000;

const requestSchema = z.strictObject({
  ttl: z.optional(z.string()),
  domain: z.optional(
    z.string().check(z.regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)),
  ),
});

/** `POST /tokens` {`ttl`?, `domain`?}: a new one-time token. */
export function tokenRoutes(services: Services): Route[] {
  const { changes, io } = services;
  return [{
    method: "POST",
    path: `${ADMIN_PREFIX}/tokens`,
    async handle({ request }) {
      const { value } = await readJson(
        request,
        requestSchema,
        bodyLimits(services),
      );
      const ttlMs = ttlFrom(value.ttl);
      const token = newToken("plexd_join", io.random);
      const expiresAtMs = io.clock.now() + ttlMs;
      const domain = await changes.make(async (rows) => {
        const domain = await ensureDomain(
          rows,
          value.domain ?? DEFAULT_DOMAIN,
          io,
        );
        await rows.tokens.add({
          hash: hashOf(token),
          domainId: domain.id,
          expiresAtMs,
        });
        await auditAdmin(
          rows,
          io.clock,
          "token.create",
          `domain:${domain.id}`,
        );
        return domain;
      });
      return jsonAnswer({
        token,
        domain: domain.name,
        domain_id: domain.id,
        expires_at: isoTime(expiresAtMs),
      }, 201);
    },
  }];
}

function ttlFrom(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TTL_MS;
  const ttlMs = parseDuration(text);
  if (ttlMs !== undefined && ttlMs > 0 && ttlMs <= MAX_TTL_MS) return ttlMs;
  throw new ProblemError(400, "malformed_body", {
    detail: 'The "ttl" is a duration such as "10m", of at most 30d',
  });
}
