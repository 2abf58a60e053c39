import type { StoredMembership } from "../store/read_membership.ts";
import { rawElements } from "../wire/raw_json.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { indentJson } from "./indent_json.ts";
import { storedMembership } from "./stored_membership.ts";
import { table } from "./table.ts";

/** One of the lists that are read from the store. */
interface Listing {
  /** JSON text for `--output json`. */
  readonly json: string;
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
  return await list(invocation, ({ state }) => ({
    json: JSON.stringify({
      peers: state.peers.map((peer) => ({
        id: peer.id,
        public_key: peer.publicKey,
        mesh_ip: peer.meshIp,
        endpoint: peer.endpoint,
        allowed_ips: peer.allowedIps,
      })),
    }),
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
  return await list(invocation, ({ state }) => ({
    json: `{"policies":[${
      state.policies.map(({ id, rules }) =>
        `{"id":${JSON.stringify(id)},"rules":${rules}}`
      ).join(",")
    }]}`,
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
    json: JSON.stringify({
      sessions: stored.sessions.map((session) => ({
        session_id: session.sessionId,
        target: session.target ?? null,
        requested_at: session.requestedAt ?? null,
        expires_at: session.expiresAt ?? null,
        revoked_at: session.revokedAt ?? null,
        status: "unsupported",
      })),
    }),
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
  if (!stored.state.complete) {
    invocation.complain(
      "plexd: the state is not complete; the next pull is due",
    );
  }
  const { json, head, rows, none } = listing(stored);
  if (invocation.flags["--output"] === "json") {
    invocation.print(indentJson(json));
    return EXIT.fine;
  }
  if (rows.length === 0) invocation.complain(`plexd: ${none}`);
  else invocation.print(table(head, rows));
  return EXIT.fine;
}
