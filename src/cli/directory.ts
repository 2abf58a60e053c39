import { isoTime } from "../platform/clock.ts";
import type { StoredMembership } from "../store/read_membership.ts";
import { rawElements } from "../wire/raw_json.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { outputForm, show } from "./output/show.ts";
import { table } from "./output/table.ts";
import { storedMembership } from "./stored_membership.ts";

/** One of the lists that are read from the store. */
interface Listing {
  /** Its name in `--output json`. */
  readonly name: string;
  /** JSON text of an array. */
  readonly json: string;
  /** When it was written last, ms since the Unix epoch. */
  readonly changedMs: number | undefined;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Said, beside the empty list, when there is nothing. */
  readonly none: string;
}

/**
 * `plexd peers`: the other nodes that this one knows. Read from the store: the
 * local API must not tell workloads where peers are.
 */
export async function peers(invocation: Invocation): Promise<number> {
  return await list(invocation, ({ state, changedMs }) => ({
    name: "peers",
    json: JSON.stringify(state.peers.map((peer) => ({
      id: peer.id,
      public_key: peer.publicKey,
      mesh_ip: peer.meshIp,
      endpoint: peer.endpoint,
      allowed_ips: peer.allowedIps,
    }))),
    changedMs: changedMs.directory,
    head: ["ID", "MESH IP", "ENDPOINT", "PUBLIC KEY", "ALLOWED IPS"],
    rows: state.peers.map((peer) => [
      peer.id,
      peer.meshIp,
      peer.endpoint || "-",
      peer.publicKey,
      peer.allowedIps.join(",") || "-",
    ]),
    none: "this node knows no peers",
  }));
}

/** `plexd policies`: the policies that hold for this node, rules as received. */
export async function policies(invocation: Invocation): Promise<number> {
  return await list(invocation, ({ state, changedMs }) => ({
    name: "policies",
    json: `[${
      state.policies.map(({ id, rules }) =>
        `{"id":${JSON.stringify(id)},"rules":${rules}}`
      ).join(",")
    }]`,
    changedMs: changedMs.directory,
    head: ["ID", "RULES"],
    rows: state.policies.flatMap(({ id, rules }) => {
      const lines = rules === "null" ? [] : rawElements(rules);
      if (lines.length === 0) return [[id, "none"]];
      return lines.map((rule, at) => [at === 0 ? id : "", rule]);
    }),
    none: "no policy holds for this node",
  }));
}

/** `plexd sessions`: SSH sessions that were asked for; plexd opens none. */
export async function sessions(invocation: Invocation): Promise<number> {
  return await list(invocation, (stored) => ({
    name: "sessions",
    json: JSON.stringify(stored.sessions.map((session) => ({
      session_id: session.sessionId,
      target: session.target ?? null,
      requested_at: session.requestedAt ?? null,
      expires_at: session.expiresAt ?? null,
      revoked_at: session.revokedAt ?? null,
      status: "unsupported",
    }))),
    changedMs: stored.changedMs.sessions,
    head: ["SESSION", "TARGET", "REQUESTED", "EXPIRES", "REVOKED"],
    rows: stored.sessions.map((session) => [
      session.sessionId,
      session.target ?? "-",
      session.requestedAt ?? "-",
      session.expiresAt ?? "-",
      session.revokedAt ?? "-",
    ]),
    none: "no SSH session was ever asked for",
  }));
}

async function list(
  invocation: Invocation,
  listing: (stored: StoredMembership) => Listing,
): Promise<number> {
  const config = await invocation.config();
  const stored = storedMembership(config);
  if (!stored?.identity) {
    throw new CommandError(
      EXIT.notEnrolled,
      `there is no enrolled node in ${config.data_dir}`,
      'name another folder with --data-dir, or start with "plexd join"',
    );
  }
  for (const { file, what } of stored.faults) {
    invocation.complain(`plexd: left out ${file}: ${what}`);
  }
  if (!stored.state.complete) {
    invocation.complain(
      "plexd: the state is not complete; the next pull is due",
    );
  }
  const { name, json, changedMs, head, rows, none } = listing(stored);
  const changedAt = changedMs === undefined ? null : isoTime(changedMs);
  if (outputForm(invocation) === "table") {
    if (changedAt) invocation.complain(`plexd: last changed ${changedAt}`);
    if (rows.length === 0) invocation.complain(`plexd: ${none}`);
  }
  await show(invocation, {
    json: `{"changed_at":${JSON.stringify(changedAt)},"${name}":${json}}`,
    table: (screen) => rows.length === 0 ? "" : table(screen, head, rows),
  });
  return EXIT.fine;
}
