import type { DataEntry } from "../../wire/data_entry.ts";
import type { Sql, SqlRow } from "./sql.ts";
import type { Report, ReportRows, SecretRows, ValueRows } from "./storage.ts";

/** What an entry costs beside its texts: names, times, punctuation. */
const ENTRY_OVERHEAD_BYTES = 128;

export function valueRows(sql: Sql): ValueRows {
  return {
    metadata: (nodeId) =>
      new Map(
        sql.all(
          "SELECT key, value FROM metadata WHERE node_id = ? ORDER BY key",
          nodeId,
        ).map((row) => [row.text("key"), row.text("value")]),
      ),
    setMetadata(nodeId, key, value) {
      sql.run(
        `INSERT INTO metadata (node_id, key, value) VALUES (?, ?, ?)
          ON CONFLICT (node_id, key) DO UPDATE SET value = excluded.value`,
        nodeId,
        key,
        value,
      );
    },
    removeMetadata: (nodeId, key) =>
      sql.run(
        "DELETE FROM metadata WHERE node_id = ? AND key = ?",
        nodeId,
        key,
      ) > 0,
    data: (nodeId) =>
      sql.all(
        `SELECT * FROM data WHERE node_id = ? AND payload IS NOT NULL
          ORDER BY key`,
        nodeId,
      ).map(entryFrom),
    dataEntry(nodeId, key) {
      const row = sql.get(
        `SELECT * FROM data WHERE node_id = ? AND key = ?
          AND payload IS NOT NULL`,
        nodeId,
        key,
      );
      return row && entryFrom(row);
    },
    setData(nodeId, { key, contentType, payload, updatedAt }) {
      const row = sql.get(
        `INSERT INTO data (node_id, key, content_type, payload, version, updated_at)
          VALUES (?, ?, ?, ?, 1, ?)
          ON CONFLICT (node_id, key) DO UPDATE SET
            content_type = excluded.content_type, payload = excluded.payload,
            version = version + 1, updated_at = excluded.updated_at
          RETURNING version`,
        nodeId,
        key,
        contentType,
        payload,
        updatedAt,
      );
      return row!.number("version");
    },
    removeData: (nodeId, key) =>
      sql.run(
        `UPDATE data SET payload = NULL, content_type = NULL, updated_at = NULL
          WHERE node_id = ? AND key = ? AND payload IS NOT NULL`,
        nodeId,
        key,
      ) > 0,
    size: (nodeId) =>
      sql.get(
        `SELECT
          (SELECT coalesce(sum(octet_length(key) + octet_length(value) + ?2), 0)
            FROM metadata WHERE node_id = ?1) +
          (SELECT coalesce(sum(octet_length(key) + octet_length(content_type) +
            octet_length(payload) + ?2), 0)
            FROM data WHERE node_id = ?1 AND payload IS NOT NULL) AS bytes`,
        nodeId,
        ENTRY_OVERHEAD_BYTES,
      )!.number("bytes"),
  };
}

export function secretRows(sql: Sql): SecretRows {
  return {
    refs: (nodeId) =>
      sql.all(
        `SELECT key, version FROM secrets
          WHERE node_id = ? AND sealed IS NOT NULL ORDER BY key`,
        nodeId,
      ).map((row) => ({
        key: row.text("key"),
        version: row.number("version"),
      })),
    get(nodeId, key) {
      const row = sql.get(
        `SELECT sealed, version FROM secrets
          WHERE node_id = ? AND key = ? AND sealed IS NOT NULL`,
        nodeId,
        key,
      );
      return row &&
        { version: row.number("version"), sealed: row.bytes("sealed") };
    },
    set(nodeId, key, sealed) {
      const row = sql.get(
        `INSERT INTO secrets (node_id, key, sealed, version) VALUES (?, ?, ?, 1)
          ON CONFLICT (node_id, key) DO UPDATE SET
            sealed = excluded.sealed, version = version + 1
          RETURNING version`,
        nodeId,
        key,
        sealed,
      );
      return row!.number("version");
    },
    remove: (nodeId, key) =>
      sql.run(
        `UPDATE secrets SET sealed = NULL
          WHERE node_id = ? AND key = ? AND sealed IS NOT NULL`,
        nodeId,
        key,
      ) > 0,
  };
}

export function reportRows(sql: Sql): ReportRows {
  return {
    all: (nodeId) =>
      sql.all("SELECT * FROM reports WHERE node_id = ? ORDER BY key", nodeId)
        .map(reportFrom),
    get(nodeId, key) {
      const row = sql.get(
        "SELECT * FROM reports WHERE node_id = ? AND key = ?",
        nodeId,
        key,
      );
      return row && reportFrom(row);
    },
    count: (nodeId) =>
      sql.get(
        "SELECT count(*) AS reports FROM reports WHERE node_id = ?",
        nodeId,
      )!.number("reports"),
    put(nodeId, report, receivedAtMs) {
      sql.run(
        `INSERT OR REPLACE INTO reports (node_id, key, content_type, payload,
          version, updated_at, received_at, workload_tag)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        nodeId,
        report.key,
        report.contentType,
        report.payload,
        report.version,
        report.updatedAt,
        receivedAtMs,
        report.workloadTag ?? null,
      );
    },
    remove: (nodeId, key) =>
      sql.run(
        "DELETE FROM reports WHERE node_id = ? AND key = ?",
        nodeId,
        key,
      ) > 0,
    addDrift(nodeId, { receivedAtMs, report }, kept) {
      sql.run(
        "INSERT INTO drift (node_id, received_at, report) VALUES (?, ?, ?)",
        nodeId,
        receivedAtMs,
        report,
      );
      sql.run(
        `DELETE FROM drift WHERE node_id = ?1 AND id NOT IN
          (SELECT id FROM drift WHERE node_id = ?1 ORDER BY id DESC LIMIT ?2)`,
        nodeId,
        kept,
      );
    },
    drift: (nodeId) =>
      sql.all("SELECT * FROM drift WHERE node_id = ? ORDER BY id DESC", nodeId)
        .map((row) => ({
          receivedAtMs: row.number("received_at"),
          report: row.text("report"),
        })),
  };
}

function entryFrom(row: SqlRow): DataEntry {
  return {
    key: row.text("key"),
    contentType: row.text("content_type"),
    payload: row.text("payload"),
    version: row.number("version"),
    updatedAt: row.text("updated_at"),
  };
}

function reportFrom(row: SqlRow): Report {
  const workloadTag = row.textOrNothing("workload_tag");
  return {
    ...entryFrom(row),
    ...(workloadTag === undefined ? {} : { workloadTag }),
  };
}
