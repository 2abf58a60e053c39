import * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { UUID } from "../../wire/uuid.ts";
import { newBootstrapToken } from "../dialect2/bootstrap_token.ts";
import { auditAdmin } from "../admin_audit.ts";
import { hashOf, newToken } from "../credentials.ts";
import { DEFAULT_DOMAIN, DOMAIN_NAME, ensureDomain } from "../domains.ts";
import { emptyAnswer, jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import type { Token } from "../storage/storage.ts";
import {
  ADMIN_PREFIX,
  type AdminRoute,
  bodyLimits,
  durationMs,
} from "./admin_route.ts";

/** Enough to tell all tokens apart that there will ever be. */
const ID_BYTES = 8;

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
 * `GET /tokens` lists tokens, by names that nobody can join with, and
 * `DELETE /tokens/{token_id}` ends one.
 *
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
        token_id: idOf(hashOf(token)),
        dialect: value.dialect ?? 1,
        ...(value.dialect === 2
          ? { project_id: value.project_id ?? null }
          : {}),
        domain: domain.name,
        domain_id: domain.id,
        expires_at: isoTime(expiresAtMs),
      }, 201);
    },
  }, {
    method: "GET",
    path: `${ADMIN_PREFIX}/tokens`,
    async handle() {
      const tokens = await services.storage.read(async (rows) =>
        await rows.tokens.all()
      );
      return jsonAnswer({ tokens: tokens.map(shown) });
    },
  }, {
    method: "DELETE",
    path: `${ADMIN_PREFIX}/tokens/{token_id}`,
    scope: "enrol",
    async handle({ params, operator }) {
      const id = params["token_id"]!;
      await changes.make(async (rows) => {
        const all = await rows.tokens.all();
        const token = all.find(({ hash }) => idOf(hash) === id);
        if (!token) throw new ProblemError(404, "token_not_found");
        await rows.tokens.remove(token.hash);
        const object = `token:${id}`;
        await auditAdmin(rows, io.clock, operator, "token.remove", object);
      });
      return emptyAnswer();
    },
  }];
}

/** Names a token by the start of its hash, which opens nothing. */
function idOf(hash: Uint8Array): string {
  return hash.slice(0, ID_BYTES).toHex();
}

function shown({ hash, domainId, expiresAtMs, use }: Token) {
  return {
    token_id: idOf(hash),
    domain_id: domainId,
    expires_at: isoTime(expiresAtMs),
    used_at: use ? isoTime(use.atMs) : null,
    node_id: use?.nodeId ?? null,
  };
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
  return durationMs(text, {
    atMostMs: MAX_TTL_MS,
    otherwise: 'The "ttl" is a duration such as "10m", of at most 30d',
  });
}
