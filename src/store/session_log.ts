import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import type { Disk } from "./disk.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreReadError, StoreWriteError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";
import { readOrFault } from "./typed_reads.ts";

/** Path of the sessions, below the membership's folder. */
export const SESSIONS_FILE = "telemetry/sessions.json";

/** Sessions that are kept; the oldest give way. */
const MAX_KEPT = 100;

/** An SSH session that the control plane asked for. All times are RFC 3339. */
export interface SessionRecord {
  readonly sessionId: string;
  /** Absent when only its end was heard of. */
  readonly target?: string;
  readonly expiresAt?: string;
  readonly requestedAt?: string;
  readonly revokedAt?: string;
}

const sessionsSchema = z.object({
  format: z.literal(1),
  sessions: z.array(z.object({
    session_id: z.string(),
    target: z.optional(z.string()),
    expires_at: z.optional(z.string()),
    requested_at: z.optional(z.string()),
    revoked_at: z.optional(z.string()),
  })),
});

/**
 * The sessions that were asked for or revoked, newest last. They are a record
 * for people: plexd opens none, so a damaged file costs nothing else.
 */
export class SessionLog {
  readonly #context: StoreContext;
  #sessions: readonly SessionRecord[];

  constructor(context: StoreContext) {
    this.#context = context;
    const { disk, root, damaged, recovered } = context;
    const { sessions, fault } = readSessions(disk, root);
    this.#sessions = sessions;
    if (fault === undefined) return;
    const action = damaged.setAside(SESSIONS_FILE);
    recovered({ file: SESSIONS_FILE, what: fault, action });
  }

  get sessions(): readonly SessionRecord[] {
    return this.#sessions;
  }

  /**
   * Notes what is new about a session, under its id.
   *
   * @throws {StoreWriteError} when it could not be made durable.
   */
  note(record: SessionRecord): void {
    const { disk, temp, folders } = this.#context;
    const known = this.#sessions.find(isOf(record.sessionId));
    const others = this.#sessions.filter((one) => one !== known);
    const sessions = [...others, { ...known, ...record }].slice(-MAX_KEPT);
    try {
      const target = folders.target(SESSIONS_FILE);
      replaceFileNow(disk, temp, target, encode(sessions));
    } catch (error) {
      throw new StoreWriteError("the session", error);
    }
    this.#sessions = sessions;
  }
}

/** The sessions as their file tells them, and what is wrong with that file. */
export function readSessions(
  disk: Disk,
  root: string,
): { readonly sessions: readonly SessionRecord[]; readonly fault?: string } {
  const bytes = readOrFault(disk, `${root}/${SESSIONS_FILE}`);
  if (!bytes) return { sessions: [] };
  if (bytes instanceof StoreReadError) {
    return { sessions: [], fault: bytes.message };
  }
  try {
    const checked = checkSum(bytes);
    if (!checked) return { sessions: [], fault: "damaged" };
    const { sessions } = parseShape("sessions", sessionsSchema, checked.text);
    return { sessions: sessions.map(recordFrom) };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return { sessions: [], fault: error.message };
  }
}

function isOf(sessionId: string): (session: SessionRecord) => boolean {
  return (session) => session.sessionId === sessionId;
}

function encode(sessions: readonly SessionRecord[]): Uint8Array<ArrayBuffer> {
  return withSum(JSON.stringify({
    format: 1,
    sessions: sessions.map((session) => ({
      session_id: session.sessionId,
      target: session.target,
      expires_at: session.expiresAt,
      requested_at: session.requestedAt,
      revoked_at: session.revokedAt,
    })),
  })).bytes;
}

function recordFrom(
  stored: z.infer<typeof sessionsSchema>["sessions"][number],
): SessionRecord {
  const { session_id, target, expires_at, requested_at, revoked_at } = stored;
  return {
    sessionId: session_id,
    ...(target === undefined ? {} : { target }),
    ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
    ...(requested_at === undefined ? {} : { requestedAt: requested_at }),
    ...(revoked_at === undefined ? {} : { revokedAt: revoked_at }),
  };
}
