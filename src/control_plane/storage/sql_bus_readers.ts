import type { BusReaderRows } from "./bus_readers.ts";
import type { Sql } from "./sql.ts";

export function busReaderRows(sql: Sql): BusReaderRows {
  return {
    all: () =>
      sql.all(
        `SELECT node_id, domain_id, dialect, since, expires_at
          FROM bus_readers JOIN nodes ON id = node_id
          WHERE revoked_at IS NULL`,
      ).map((row) => ({
        nodeId: row.text("node_id"),
        domainId: row.text("domain_id"),
        dialect: row.number("dialect") === 2 ? 2 : 1,
        since: row.number("since"),
        expiresAtMs: row.number("expires_at"),
      })),
    keep: ({ nodeId, since, expiresAtMs }) =>
      sql.run(
        `INSERT INTO bus_readers (node_id, since, expires_at)
          SELECT id, ?2, ?3 FROM nodes WHERE id = ?1 AND revoked_at IS NULL
          ON CONFLICT (node_id) DO UPDATE SET expires_at = excluded.expires_at`,
        nodeId,
        since,
        expiresAtMs,
      ) > 0,
    remove(nodeId) {
      sql.run("DELETE FROM bus_readers WHERE node_id = ?", nodeId);
    },
  };
}
