import type { Sql, SqlRow } from "./sql.ts";
import type {
  EventRows,
  SigningKeyRows,
  StoredEvent,
  StoredSigningKey,
} from "./storage.ts";

/** Events for one node: its own, and those for its whole domain. */
const FOR_NODE = `(node_id = ?1 OR
  (node_id IS NULL AND domain_id = ?2 AND except_node_id IS NOT ?1))`;

export function eventRows(sql: Sql): EventRows {
  return {
    append(event) {
      sql.run(
        `INSERT INTO events (id, type, domain_id, node_id, except_node_id,
          payload, signing_key_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        event.id,
        event.type,
        event.domainId,
        event.nodeId ?? null,
        event.exceptNodeId ?? null,
        event.payload,
        event.signingKeyId,
        event.createdAtMs,
      );
    },
    after: (sequence, { nodeId, domainId }, limit) =>
      sql.all(
        `SELECT * FROM events WHERE ${FOR_NODE} AND sequence > ?3
          ORDER BY sequence LIMIT ?4`,
        nodeId,
        domainId,
        sequence,
        limit,
      ).map(eventFrom),
    allAfter: (sequence, limit) =>
      sql.all(
        "SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?",
        sequence,
        limit,
      ).map(eventFrom),
    newest: ({ nodeId, domainId }, limit) =>
      sql.all(
        `SELECT * FROM events WHERE ${FOR_NODE}
          ORDER BY sequence DESC LIMIT ?3`,
        nodeId,
        domainId,
        limit,
      ).map(eventFrom),
    lastSequence: () =>
      sql.get("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        ?.number("seq") ?? 0,
    lastSequenceBefore: (ms) =>
      // From the newest on: what is asked for is never far from it.
      sql.get(
        `SELECT sequence FROM events WHERE created_at < ?
          ORDER BY sequence DESC LIMIT 1`,
        ms,
      )?.number("sequence") ?? 0,
    oldestSequence: (exceptType) =>
      sql.get(
        "SELECT sequence FROM events WHERE type <> ? ORDER BY sequence LIMIT 1",
        exceptType,
      )?.number("sequence"),
    prune: (olderThanMs, exceptType) =>
      sql.run(
        "DELETE FROM events WHERE created_at < ? AND type <> ?",
        olderThanMs,
        exceptType,
      ),
  };
}

function eventFrom(row: SqlRow): StoredEvent {
  return {
    sequence: row.number("sequence"),
    id: row.text("id"),
    type: row.text("type"),
    domainId: row.text("domain_id"),
    nodeId: row.textOrNothing("node_id"),
    exceptNodeId: row.textOrNothing("except_node_id"),
    payload: row.text("payload"),
    signingKeyId: row.text("signing_key_id"),
    createdAtMs: row.number("created_at"),
  };
}

export function signingKeyRows(sql: Sql): SigningKeyRows {
  const one = (row: SqlRow | undefined) => row && signingKeyFrom(row);
  return {
    all: () =>
      sql.all("SELECT * FROM signing_keys ORDER BY rowid").map(signingKeyFrom),
    byId: (id) => one(sql.get("SELECT * FROM signing_keys WHERE id = ?", id)),
    current: () =>
      one(sql.get("SELECT * FROM signing_keys WHERE retired_at IS NULL")),
    previous: () =>
      one(sql.get(
        // The row id grows, also where two keys retired within one ms.
        `SELECT * FROM signing_keys WHERE retired_at IS NOT NULL
          ORDER BY retired_at DESC, rowid DESC LIMIT 1`,
      )),
    add({ id, publicKey, sealed, createdAtMs }) {
      sql.run(
        `INSERT INTO signing_keys (id, public_key, sealed, created_at)
          VALUES (?, ?, ?, ?)`,
        id,
        publicKey,
        sealed,
        createdAtMs,
      );
    },
    retire(id, { atMs, transitionExpiresMs }) {
      sql.run(
        `UPDATE signing_keys SET retired_at = ?, transition_expires_at = ?
          WHERE id = ?`,
        atMs,
        transitionExpiresMs,
        id,
      );
    },
  };
}

function signingKeyFrom(row: SqlRow): StoredSigningKey {
  return {
    id: row.text("id"),
    publicKey: row.text("public_key"),
    sealed: row.bytes("sealed"),
    createdAtMs: row.number("created_at"),
    retiredAtMs: row.numberOrNothing("retired_at"),
    transitionExpiresMs: row.numberOrNothing("transition_expires_at"),
  };
}
