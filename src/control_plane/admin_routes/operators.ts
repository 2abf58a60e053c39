import * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import { auditAdmin } from "../admin_audit.ts";
import { hashOf, newToken } from "../credentials.ts";
import { emptyAnswer, jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { type Scope, SCOPES } from "../scopes.ts";
import type { Services } from "../services.ts";
import type { AdminToken } from "../storage/storage.ts";
import {
  ADMIN_PREFIX,
  type AdminRoute,
  bodyLimits,
  durationMs,
} from "./admin_route.ts";

const MAX_OPERATORS = 1_000;

/** A hundred years: far beyond, there are no dates any more. */
const MAX_TTL_MS = 36_500 * 24 * 60 * 60_000;

export const operatorSchema = z.strictObject({
  name: z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)),
  scopes: z.array(z.enum(SCOPES)).check(z.minLength(1)),
  ttl: z.optional(z.string()),
});

/**
 * `GET` and `POST /operators`, `DELETE /operators/{name}`: tokens of operators,
 * each with what it is good for. A token is shown once, when it is made.
 */
export function operatorRoutes(services: Services): AdminRoute[] {
  const { storage, changes, io } = services;
  const path = `${ADMIN_PREFIX}/operators`;
  return [
    {
      method: "GET",
      path,
      scope: "admin",
      async handle() {
        const tokens = await storage.read(async ({ admins }) =>
          await admins.all()
        );
        return jsonAnswer({ operators: tokens.map(shown) });
      },
    },
    {
      method: "POST",
      path,
      scope: "admin",
      async handle({ request, operator }) {
        const { value } = await readJson(
          request,
          operatorSchema,
          bodyLimits(services),
        );
        const token = newToken("plexd_admin", io.random);
        const nowMs = io.clock.now();
        const row: AdminToken = {
          hash: hashOf(token),
          name: value.name,
          scopes: SCOPES.filter((one) => value.scopes.includes(one)),
          createdAtMs: nowMs,
          expiresAtMs: expiryFrom(value.ttl, nowMs),
        };
        await changes.make(async (rows) => {
          const known = await rows.admins.all();
          if (known.some(({ name }) => name === row.name)) {
            throw new ProblemError(409, "operator_exists");
          }
          if (known.length >= MAX_OPERATORS) {
            throw new ProblemError(409, "operator_quota_exceeded");
          }
          await rows.admins.add(row);
          const object = `operator:${row.name}`;
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "operator.create",
            object,
          );
        });
        return jsonAnswer({ token, ...shown(row) }, 201);
      },
    },
    {
      method: "DELETE",
      path: `${path}/{name}`,
      scope: "admin",
      async handle({ params, operator }) {
        const name = params["name"]!;
        await changes.make(async (rows) => {
          if (!await rows.admins.remove(name)) {
            throw new ProblemError(404, "operator_not_found");
          }
          const object = `operator:${name}`;
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "operator.remove",
            object,
          );
        });
        return emptyAnswer();
      },
    },
  ];
}

function shown({ name, scopes, createdAtMs, expiresAtMs }: AdminToken): {
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  readonly created_at: string;
  readonly expires_at: string | null;
} {
  return {
    name: name === "" ? null : name,
    scopes,
    created_at: isoTime(createdAtMs),
    expires_at: expiresAtMs === undefined ? null : isoTime(expiresAtMs),
  };
}

function expiryFrom(
  text: string | undefined,
  nowMs: number,
): number | undefined {
  if (text === undefined) return undefined;
  return nowMs + durationMs(text, {
    atMostMs: MAX_TTL_MS,
    otherwise: 'The "ttl" is a duration such as "720h", of at most 36500d; ' +
      "without one it never ends",
  });
}
