import type {
  BridgeRows,
  CompiledPolicyRows,
  Policy,
  PolicyRows,
} from "./operations.ts";
import type { Sql, SqlRow } from "./sql.ts";

export function policyRows(sql: Sql): PolicyRows {
  return {
    ofDomain: (domainId) =>
      sql.all(
        "SELECT * FROM policies WHERE domain_id = ? ORDER BY id",
        domainId,
      ).map(policyFrom),
    get(domainId, id) {
      const row = sql.get(
        "SELECT * FROM policies WHERE domain_id = ? AND id = ?",
        domainId,
        id,
      );
      return row && policyFrom(row);
    },
    put(domainId, { id, rules, selector }) {
      sql.run(
        `INSERT INTO policies (domain_id, id, rules, nodes, metadata)
          VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (domain_id, id) DO UPDATE SET rules = excluded.rules,
            nodes = excluded.nodes, metadata = excluded.metadata`,
        domainId,
        id,
        rules,
        textOf(selector?.nodes),
        textOf(selector?.metadata),
      );
    },
    remove: (domainId, id) =>
      sql.run(
        "DELETE FROM policies WHERE domain_id = ? AND id = ?",
        domainId,
        id,
      ) > 0,
    size: (domainId) =>
      sql.get(
        `SELECT coalesce(sum(octet_length(id) + octet_length(rules)), 0) AS bytes
          FROM policies WHERE domain_id = ?`,
        domainId,
      )!.number("bytes"),
  };
}

export function compiledPolicyRows(sql: Sql): CompiledPolicyRows {
  return {
    of(nodeId) {
      const row = sql.get(
        "SELECT * FROM compiled_policies WHERE node_id = ?",
        nodeId,
      );
      return row && {
        nodeId: row.text("node_id"),
        revisionId: row.text("revision_id"),
        fingerprint: row.text("fingerprint"),
        rules: row.text("rules"),
        matched: row.text("matched"),
      };
    },
    put({ nodeId, revisionId, fingerprint, rules, matched }) {
      sql.run(
        `INSERT OR REPLACE INTO compiled_policies (node_id, revision_id,
          fingerprint, rules, matched) VALUES (?, ?, ?, ?, ?)`,
        nodeId,
        revisionId,
        fingerprint,
        rules,
        matched,
      );
    },
  };
}

export function bridgeRows(sql: Sql): BridgeRows {
  return {
    all: () =>
      sql.all("SELECT * FROM bridges ORDER BY node_id").map((row) => ({
        nodeId: row.text("node_id"),
        config: row.text("config"),
      })),
    of: (nodeId) =>
      sql.get("SELECT config FROM bridges WHERE node_id = ?", nodeId)
        ?.text("config"),
    put(nodeId, config) {
      sql.run(
        "INSERT OR REPLACE INTO bridges (node_id, config) VALUES (?, ?)",
        nodeId,
        config,
      );
    },
    remove: (nodeId) =>
      sql.run("DELETE FROM bridges WHERE node_id = ?", nodeId) > 0,
  };
}

function policyFrom(row: SqlRow): Policy {
  const nodes = row.textOrNothing("nodes");
  const metadata = row.textOrNothing("metadata");
  const isForAll = nodes === undefined && metadata === undefined;
  return {
    id: row.text("id"),
    rules: row.text("rules"),
    selector: isForAll ? undefined : {
      ...(nodes === undefined ? {} : { nodes: JSON.parse(nodes) }),
      ...(metadata === undefined ? {} : { metadata: JSON.parse(metadata) }),
    },
  };
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
