import * as z from "zod/mini";
import { type Clock, isoTime } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { SessionRecord } from "../store/session_log.ts";
import { parseRfc3339 } from "../wire/rfc3339.ts";
import { parseShape } from "../wire/shape_error.ts";
import type { Handler } from "./handler.ts";
import { RefusedEventError } from "./refused_event_error.ts";

/** What the handlers of session events work with. */
export interface SessionHandlerOptions {
  readonly log: Logger;
  /** Where sessions are noted. */
  readonly sessions: {
    /** @throws {StoreWriteError} */
    note(record: SessionRecord): void;
  };
  readonly nodeId: string;
  readonly clock: Clock;
}

/** Ids and host names are shown to people; nobody needs longer ones. */
const shortText = z.string().check(z.minLength(1), z.maxLength(255));

const setupSchema = z.object({
  session_id: shortText,
  target_host: shortText,
  target_port: z.int().check(z.gte(1), z.lte(65_535)),
  authorized_key: z.string().check(z.minLength(1), z.maxLength(16_384)),
  expires_at: z.string().check(z.refine((text) => !!parseRfc3339(text))),
  node_id: z.optional(z.string()),
});

const revokedSchema = z.object({
  session_id: shortText,
  node_id: z.optional(z.string()),
});

/**
 * `ssh_session_setup` and `session_revoked`: noted, shown and logged. plexd
 * opens no sessions, so what was asked for must not stay unseen.
 *
 * @see docs/wire.md, section b.5
 */
export function sessionHandlers(
  options: SessionHandlerOptions,
): ReadonlyMap<string, Handler> {
  return new Map([
    ["ssh_session_setup", noting(setUp, options)],
    ["session_revoked", noting(revoke, options)],
  ]);
}

/** A handler whose work is done when it returns. */
function noting(
  work: (payload: string, options: SessionHandlerOptions) => void,
  options: SessionHandlerOptions,
): Handler {
  return {
    // Not resolved by hand: what `work` throws has to be a rejection.
    // deno-lint-ignore require-await
    async handle(event) {
      work(event.payload, options);
      return "applied";
    },
  };
}

function setUp(payload: string, options: SessionHandlerOptions) {
  const { log, sessions, clock } = options;
  const setup = parseShape("ssh_session_setup payload", setupSchema, payload);
  refuseForeign(setup.node_id, options);
  sessions.note({
    sessionId: setup.session_id,
    target: `${setup.target_host}:${setup.target_port}`,
    expiresAt: setup.expires_at,
    requestedAt: isoTime(clock.now()),
  });
  log.warn("SSH session asked for, which plexd does not support", {
    session_id: setup.session_id,
  });
}

function revoke(payload: string, options: SessionHandlerOptions) {
  const { log, sessions, clock } = options;
  const revoked = parseShape("session_revoked payload", revokedSchema, payload);
  refuseForeign(revoked.node_id, options);
  const revokedAt = isoTime(clock.now());
  sessions.note({ sessionId: revoked.session_id, revokedAt });
  log.info("SSH session revoked, which plexd does not support: none is open", {
    session_id: revoked.session_id,
  });
}

/** @throws {RefusedEventError} kind "foreign" */
function refuseForeign(
  nodeId: string | undefined,
  options: SessionHandlerOptions,
) {
  if (nodeId === undefined || nodeId === options.nodeId) return;
  throw new RefusedEventError("foreign", "it is for another node");
}
