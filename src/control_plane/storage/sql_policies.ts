import type { PolicyRows } from "./operations.ts";
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
    put(domainId, { id, rules }) {
      sql.run(
        `INSERT INTO policies (domain_id, id, rules) VALUES (?, ?, ?)
          ON CONFLICT (domain_id, id) DO UPDATE SET rules = excluded.rules`,
        domainId,
        id,
        rules,
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

function policyFrom(row: SqlRow) {
  return { id: row.text("id"), rules: row.text("rules") };
}
