import * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { UUID } from "../../wire/uuid.ts";
import { newBootstrapToken } from "../dialect2/bootstrap_token.ts";
import { auditAdmin } from "../admin_audit.ts";
import { hashOf, newToken } from "../credentials.ts";
import { DEFAULT_DOMAIN, DOMAIN_NAME, ensureDomain } from "../domains.ts";
import { parseDuration } from "../../wire/duration.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { ADMIN_PREFIX, type AdminRoute, bodyLimits } from "./admin_route.ts";

const DEFAULT_TTL_MS = 60 * 60_000;
/** A token that lies about for longer is a risk without a use. */
const MAX_TTL_MS = 30 * 24 * 60 * 60_000;

export const tokenSchema = z.strictObject({
  ttl: z.optional(z.string()),
  domain: z.optional(z.string().check(z.regex(DOMAIN_NAME))),
  dialect: z.optional(z.union([z.literal(1), z.literal(2)])),
  project_id: z.optional(z.string().check(z.regex(UUID))),
});

/**
 * `POST /tokens` {`ttl`?, `domain`?, `dialect`?, `project_id`?}: a new one-time
 * token. In dialect 2 it may be good for one project only.
 */
export function tokenRoutes(services: Services): AdminRoute[] {
  const { changes, io } = services;
  return [{
    method: "POST",
    path: `${ADMIN_PREFIX}/tokens`,
    scope: "enrol",
    async handle({ request, operator }) {
      const { value } = await readJson(
        request,
        tokenSchema,
        bodyLimits(services),
      );
      const ttlMs = ttlFrom(value.ttl);
      const token = tokenFor(value, io.random);
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
          operator,
          "token.create",
          `domain:${domain.id}`,
        );
        return domain;
      });
      return jsonAnswer({
        token,
        dialect: value.dialect ?? 1,
        ...(value.dialect === 2
          ? { project_id: value.project_id ?? null }
          : {}),
        domain: domain.name,
        domain_id: domain.id,
        expires_at: isoTime(expiresAtMs),
      }, 201);
    },
  }];
}

function tokenFor(
  { dialect, project_id }: z.infer<typeof tokenSchema>,
  random: Random,
): string {
  if (dialect === 2) return newBootstrapToken(project_id, random);
  if (project_id === undefined) return newToken("plexd_join", random);
  throw new ProblemError(400, "malformed_body", {
    detail: 'A "project_id" belongs to dialect 2',
  });
}

function ttlFrom(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TTL_MS;
  const ttlMs = parseDuration(text);
  if (ttlMs !== undefined && ttlMs > 0 && ttlMs <= MAX_TTL_MS) return ttlMs;
  throw new ProblemError(400, "malformed_body", {
    detail: 'The "ttl" is a duration such as "10m", of at most 30d',
  });
}
