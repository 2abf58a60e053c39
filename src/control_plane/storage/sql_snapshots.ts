import type { Sql } from "./sql.ts";
import type { SnapshotRows } from "./storage.ts";

export function snapshotRows(sql: Sql): SnapshotRows {
  const rowOf = (nodeId: string) =>
    sql.get("SELECT * FROM snapshots WHERE node_id = ?", nodeId);
  return {
    lastSigned(nodeId) {
      const row = rowOf(nodeId);
      const version = row?.numberOrNothing("version");
      const contentSha256 = row?.textOrNothing("content_sha256");
      if (version === undefined || contentSha256 === undefined) {
        return undefined;
      }
      return { version, contentSha256 };
    },
    signed(nodeId, { version, contentSha256 }) {
      sql.run(
        `INSERT INTO snapshots (node_id, version, content_sha256)
          VALUES (?, ?, ?)
          ON CONFLICT (node_id) DO UPDATE SET
            version = excluded.version,
            content_sha256 = excluded.content_sha256`,
        nodeId,
        version,
        contentSha256,
      );
    },
    lastApplied(nodeId) {
      const row = rowOf(nodeId);
      const epoch = row?.numberOrNothing("applied_epoch");
      const version = row?.numberOrNothing("applied_version");
      const atMs = row?.numberOrNothing("applied_at");
      if (
        epoch === undefined || version === undefined || atMs === undefined
      ) {
        return undefined;
      }
      return { epoch, version, atMs };
    },
    applied(nodeId, { epoch, version, atMs }) {
      sql.run(
        `INSERT INTO snapshots
          (node_id, applied_epoch, applied_version, applied_at)
          VALUES (?, ?, ?, ?)
          ON CONFLICT (node_id) DO UPDATE SET
            applied_epoch = excluded.applied_epoch,
            applied_version = excluded.applied_version,
            applied_at = excluded.applied_at`,
        nodeId,
        epoch,
        version,
        atMs,
      );
    },
  };
}
