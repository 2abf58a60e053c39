import type { IngestRows } from "./operations.ts";
import type { Sql } from "./sql.ts";

export function ingestRows(sql: Sql): IngestRows {
  return {
    add(nodeId, kind, records, kept) {
      for (const { receivedAtMs, record } of records) {
        sql.run(
          `INSERT INTO ingest (node_id, kind, received_at, record)
            VALUES (?, ?, ?, ?)`,
          nodeId,
          kind,
          receivedAtMs,
          record,
        );
      }
      sql.run(
        `DELETE FROM ingest WHERE node_id = ?1 AND kind = ?2 AND id <=
          (SELECT id FROM ingest WHERE node_id = ?1 AND kind = ?2
            ORDER BY id DESC LIMIT 1 OFFSET ?3)`,
        nodeId,
        kind,
        kept,
      );
    },
    newest: (nodeId, kind, limit) =>
      sql.all(
        `SELECT * FROM ingest WHERE node_id = ? AND kind = ?
          ORDER BY id DESC LIMIT ?`,
        nodeId,
        kind,
        limit,
      ).map((row) => ({
        receivedAtMs: row.number("received_at"),
        record: row.text("record"),
      })),
  };
}
