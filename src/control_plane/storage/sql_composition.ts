import type {
  CompositionRows,
  CompositionSource,
  EntryRow,
  PeerRow,
  PolicyRow,
  ReachabilityState,
} from "../state/composition_source.ts";
import type { DomainService } from "./assignments.ts";
import { executionFrom } from "./sql_operations.ts";
import type { Sql, SqlRow } from "./sql.ts";

/**
 * Everything that the snapshot of one node is made of, in one statement: `kind`
 * says what a row is, and only the columns of that kind are filled.
 *
 * ?1 is the node, ?2 its domain; ?3 is the revision of the domain's nodes that is
 * known already, which then are left out.
 */
const STATEMENT = `
  SELECT 'peer' AS kind, nodes.id AS key, mesh_ip AS value, public_key AS extra,
    endpoint AS tag, NULL AS place, NULL AS id, NULL AS node_id, NULL AS action,
    NULL AS parameters, NULL AS timeout, NULL AS requested_at,
    NULL AS expires_at, NULL AS state, NULL AS reason, NULL AS result,
    NULL AS changed_at, NULL AS last_heartbeat_at
  -- In this order: where the revision is known, no node is looked at.
  FROM domains CROSS JOIN nodes ON domain_id = domains.id
  WHERE domains.id = ?2 AND peers_revision IS NOT ?3 AND revoked_at IS NULL
  UNION ALL
  SELECT 'domain', '', NULL, NULL, NULL, peers_revision, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM domains WHERE id = ?2
  UNION ALL
  SELECT 'self', id, NULL, capabilities, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, reachability_state, NULL, NULL, reachability_changed_at,
    last_heartbeat_at
  FROM nodes WHERE id = ?1
  UNION ALL
  SELECT 'metadata', key, value, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM metadata WHERE node_id = ?1
  UNION ALL
  SELECT 'data', key, payload, content_type, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM data WHERE node_id = ?1 AND payload IS NOT NULL
  UNION ALL
  SELECT 'report', key, payload, content_type, workload_tag, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM reports WHERE node_id = ?1
  UNION ALL
  SELECT 'policy', revision_id, rules, fingerprint, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM compiled_policies WHERE node_id = ?1 AND matched <> '[]'
  UNION ALL
  SELECT 'bridge', node_id, config, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM bridges WHERE node_id = ?1
  UNION ALL
  SELECT 'execution', '', NULL, NULL, NULL, sequence, id, node_id, action,
    parameters, timeout, requested_at, expires_at, state, reason, result,
    changed_at, NULL
  FROM executions WHERE node_id = ?1
    AND state IN ('pending', 'accepted', 'started')
  UNION ALL
  SELECT 'role', role, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM node_roles WHERE node_id = ?1
  UNION ALL
  SELECT 'service', name, spec, roles, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM domain_services WHERE domain_id = ?2
  ORDER BY kind, key, place`;

/** Domains whose nodes are kept; the one that came first goes first. */
const MAX_DOMAINS = 64;

/** The nodes of a domain, as of a revision. */
interface KnownPeers {
  readonly revision: number;
  readonly peers: readonly PeerRow[];
}

/**
 * @param keeps Whether the nodes of a domain are kept for as long as they do not
 * change: only where nothing is seen that can be rolled back, since a revision
 * may mean something else then.
 */
export function compositionSource(sql: Sql, keeps: boolean): CompositionSource {
  const kept = new Map<string, KnownPeers>();
  const current = (
    domainId: string,
    revision: number | undefined,
    found: () => PeerRow[],
  ): readonly PeerRow[] => {
    const known = kept.get(domainId);
    if (known && known.revision === revision) return known.peers;
    const peers = Object.freeze(found());
    if (!keeps || revision === undefined) return peers;
    const [oldest] = kept.keys();
    if (kept.size >= MAX_DOMAINS && oldest !== undefined) kept.delete(oldest);
    kept.set(domainId, { revision, peers });
    return peers;
  };
  return {
    peersOf(domainId) {
      const revision = sql.get(
        "SELECT peers_revision FROM domains WHERE id = ?",
        domainId,
      )?.number("peers_revision");
      return current(
        domainId,
        revision,
        () => sql.all(PEERS_STATEMENT, domainId).map(peerFrom),
      );
    },
    rowsFor(nodeId, domainId): CompositionRows {
      const known = kept.get(domainId)?.revision ?? null;
      const rows = Map.groupBy(
        sql.all(STATEMENT, nodeId, domainId, known),
        (row) => row.text("kind"),
      );
      const of = (kind: string) => rows.get(kind) ?? [];
      const [self] = of("self");
      const [policy] = of("policy");
      const [bridge] = of("bridge");
      return {
        peers: current(
          domainId,
          of("domain")[0]?.number("place"),
          () => of("peer").map(peerFrom),
        ),
        entries: (["metadata", "data", "report"] as const).flatMap((kind) =>
          of(kind).map((row) => entryFrom(kind, row))
        ),
        executions: of("execution").map(executionFrom),
        reachability: {
          state: (self?.text("state") ?? "") as ReachabilityState,
          lastHeartbeatAtMs: self?.numberOrNothing("last_heartbeat_at"),
          changedAtMs: self?.numberOrNothing("changed_at"),
        },
        policy: policy && policyFrom(policy),
        bridge: bridge?.text("value"),
        roles: of("role").map((row) => row.text("key")),
        services: of("service").map(serviceFrom),
        capabilities: self?.textOrNothing("extra"),
      };
    },
  };
}

const PEERS_STATEMENT = `
  SELECT id AS key, mesh_ip AS value, public_key AS extra, endpoint AS tag
  FROM nodes WHERE domain_id = ? AND revoked_at IS NULL ORDER BY id`;

function peerFrom(row: SqlRow): PeerRow {
  return {
    nodeId: row.text("key"),
    meshIp: row.text("value"),
    publicKey: row.text("extra"),
    endpoint: row.text("tag"),
  };
}

function entryFrom(kind: EntryRow["kind"], row: SqlRow): EntryRow {
  return {
    kind,
    key: row.text("key"),
    value: row.text("value"),
    contentType: row.textOrNothing("extra"),
    workloadTag: row.textOrNothing("tag"),
  };
}

function serviceFrom(row: SqlRow): DomainService {
  return {
    name: row.text("key"),
    roles: JSON.parse(row.text("extra")),
    spec: row.text("value"),
  };
}

function policyFrom(row: SqlRow): PolicyRow {
  return {
    revisionId: row.text("key"),
    fingerprint: row.text("extra"),
    rules: row.text("value"),
  };
}
