import * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import { uuidV7 } from "../../platform/random.ts";
import { parseRfc3339 } from "../../wire/rfc3339.ts";
import { auditAdmin } from "../admin_audit.ts";
import { emptyAnswer, jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { emitToNode } from "../node_events.ts";
import type { Services } from "../services.ts";
import type { Session } from "../storage/operations.ts";
import {
  ADMIN_PREFIX,
  type AdminRoute,
  bodyLimits,
  nodeOrProblem,
} from "./admin_route.ts";

/** Access that is open for longer is not for one session. */
const LONGEST_MS = 24 * 60 * 60_000;

export const sessionSchema = z.strictObject({
  target_host: z.string().check(z.regex(/^[A-Za-z0-9._:-]{1,255}$/)),
  target_port: z.int().check(z.minimum(1), z.maximum(65_535)),
  // One line: a line break would smuggle in a second key.
  authorized_key: z.string().check(z.regex(/^[\x20-\x7e]{1,8192}$/)),
  expires_at: z.string(),
});

/**
 * `POST /nodes/{id}/sessions` {`target_host`, `target_port`, `authorized_key`,
 * `expires_at`} sets an SSH session up, `DELETE /nodes/{id}/sessions/{sid}`
 * revokes it, `GET /nodes/{id}/sessions` shows those that are neither revoked
 * nor expired.
 *
 * @see docs/wire.md, section b.5
 */
export function sessionRoutes(services: Services): AdminRoute[] {
  const { storage, changes, epoch, io } = services;
  const path = `${ADMIN_PREFIX}/nodes/{id}/sessions`;
  return [
    {
      method: "GET",
      path,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const { id } = await nodeOrProblem(rows, params["id"]!);
          const nowMs = io.clock.now();
          const open = (await rows.sessions.ofNode(id))
            .filter(({ expiresAtMs }) => expiresAtMs > nowMs);
          return jsonAnswer({
            sessions: open.map((session) => ({
              ...membersOf(session),
              created_at: isoTime(session.createdAtMs),
            })),
          });
        }),
    },
    {
      method: "POST",
      path,
      async handle({ request, params, operator }) {
        const { value } = await readJson(
          request,
          sessionSchema,
          bodyLimits(services),
        );
        const createdAtMs = io.clock.now();
        const session = {
          id: uuidV7(io.clock, io.random),
          nodeId: params["id"]!,
          targetHost: value.target_host,
          targetPort: value.target_port,
          authorizedKey: value.authorized_key,
          createdAtMs,
          expiresAtMs: expiryFrom(value.expires_at, createdAtMs),
        };
        await changes.make(async (rows, emit) => {
          const node = await nodeOrProblem(rows, session.nodeId);
          await rows.sessions.add(session);
          const members = membersOf(session);
          await emitToNode(emit, "ssh_session_setup", node, epoch, members);
          const object = `node:${node.id}/sessions/${session.id}`;
          await auditAdmin(rows, io.clock, operator, "session.setup", object);
        });
        return jsonAnswer(membersOf(session), 201);
      },
    },
    {
      method: "DELETE",
      path: `${path}/{sid}`,
      async handle({ params, operator }) {
        const sid = params["sid"]!;
        await changes.make(async (rows, emit) => {
          const node = await nodeOrProblem(rows, params["id"]!);
          if (!await rows.sessions.remove(node.id, sid)) {
            throw new ProblemError(404, "session_not_found");
          }
          await emitToNode(emit, "session_revoked", node, epoch, {
            session_id: sid,
          });
          const object = `node:${node.id}/sessions/${sid}`;
          await auditAdmin(rows, io.clock, operator, "session.revoke", object);
        });
        return emptyAnswer();
      },
    },
  ];
}

function membersOf(session: Session) {
  return {
    session_id: session.id,
    target_host: session.targetHost,
    target_port: session.targetPort,
    authorized_key: session.authorizedKey,
    expires_at: isoTime(session.expiresAtMs),
  };
}

function expiryFrom(text: string, nowMs: number): number {
  const expiresAtMs = parseRfc3339(text)?.ms;
  if (
    expiresAtMs !== undefined && expiresAtMs > nowMs &&
    expiresAtMs <= nowMs + LONGEST_MS
  ) return expiresAtMs;
  throw new ProblemError(400, "malformed_body", {
    detail: '"expires_at" is an RFC 3339 time within the next 24 hours',
  });
}
