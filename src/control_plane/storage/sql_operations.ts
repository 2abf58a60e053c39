import type {
  Execution,
  ExecutionRows,
  ExecutionState,
  Output,
  OutputRows,
  Session,
  SessionRows,
} from "./operations.ts";
import type { Sql, SqlRow } from "./sql.ts";

export function executionRows(sql: Sql): ExecutionRows {
  return {
    add(execution, kept) {
      sql.run(
        `INSERT INTO executions (id, node_id, action, parameters, timeout,
          requested_at, expires_at, state, changed_at)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?6)`,
        execution.id,
        execution.nodeId,
        execution.action,
        execution.parameters,
        execution.timeoutMs ?? null,
        execution.requestedAtMs,
        execution.expiresAtMs,
      );
      sql.run(
        `DELETE FROM executions WHERE node_id = ?1 AND sequence NOT IN
          (SELECT sequence FROM executions WHERE node_id = ?1
            ORDER BY sequence DESC LIMIT ?2)`,
        execution.nodeId,
        kept,
      );
    },
    get(nodeId, id) {
      const row = sql.get(
        "SELECT * FROM executions WHERE node_id = ? AND id = ?",
        nodeId,
        id,
      );
      return row && executionFrom(row);
    },
    ofNode: (nodeId) =>
      sql.all(
        "SELECT * FROM executions WHERE node_id = ? ORDER BY sequence DESC",
        nodeId,
      ).map(executionFrom),
    step(nodeId, id, { state, reason, result, atMs }) {
      sql.run(
        `UPDATE executions SET state = ?, reason = coalesce(?, reason),
          result = coalesce(?, result), changed_at = ?
          WHERE node_id = ? AND id = ?`,
        state,
        reason ?? null,
        result ?? null,
        atMs,
        nodeId,
        id,
      );
    },
  };
}

/** An execution of the columns of its table. */
export function executionFrom(row: SqlRow): Execution {
  return {
    id: row.text("id"),
    nodeId: row.text("node_id"),
    action: row.text("action"),
    parameters: row.text("parameters"),
    timeoutMs: row.numberOrNothing("timeout"),
    requestedAtMs: row.number("requested_at"),
    expiresAtMs: row.number("expires_at"),
    // The schema allows nothing else.
    state: row.text("state") as ExecutionState,
    reason: row.textOrNothing("reason"),
    result: row.textOrNothing("result"),
    changedAtMs: row.number("changed_at"),
  };
}

export function outputRows(sql: Sql): OutputRows {
  const one = (row: SqlRow | undefined) => row && outputFrom(row);
  return {
    expect(output) {
      sql.run(
        "DELETE FROM outputs WHERE execution_id = ?",
        output.executionId,
      );
      sql.run(
        `INSERT INTO outputs (object_key, execution_id, ticket_hash,
          declared_bytes, expires_at) VALUES (?, ?, ?, ?, ?)`,
        output.objectKey,
        output.executionId,
        output.ticketHash,
        output.declaredBytes,
        output.expiresAtMs,
      );
    },
    byTicket: (hash) =>
      one(sql.get("SELECT * FROM outputs WHERE ticket_hash = ?", hash)),
    byKey: (objectKey) =>
      one(sql.get("SELECT * FROM outputs WHERE object_key = ?", objectKey)),
    came(objectKey, { sha256, kept }) {
      sql.run(
        "UPDATE outputs SET sha256 = ?, kept = ? WHERE object_key = ?",
        sha256,
        kept,
        objectKey,
      );
    },
  };
}

function outputFrom(row: SqlRow): Output {
  const sha256 = row.textOrNothing("sha256");
  return {
    objectKey: row.text("object_key"),
    executionId: row.text("execution_id"),
    ticketHash: row.bytes("ticket_hash"),
    declaredBytes: row.number("declared_bytes"),
    expiresAtMs: row.number("expires_at"),
    came: sha256 === undefined
      ? undefined
      : { sha256, kept: row.bytes("kept") },
  };
}

export function sessionRows(sql: Sql): SessionRows {
  return {
    add(session) {
      sql.run(
        `INSERT INTO sessions (id, node_id, target_host, target_port,
          authorized_key, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        session.id,
        session.nodeId,
        session.targetHost,
        session.targetPort,
        session.authorizedKey,
        session.createdAtMs,
        session.expiresAtMs,
      );
    },
    ofNode: (nodeId) =>
      sql.all(
        "SELECT * FROM sessions WHERE node_id = ? ORDER BY rowid DESC",
        nodeId,
      ).map(sessionFrom),
    remove: (nodeId, id) =>
      sql.run(
        "DELETE FROM sessions WHERE node_id = ? AND id = ?",
        nodeId,
        id,
      ) > 0,
    prune: (expiredBeforeMs) =>
      sql.run("DELETE FROM sessions WHERE expires_at < ?", expiredBeforeMs),
  };
}

function sessionFrom(row: SqlRow): Session {
  return {
    id: row.text("id"),
    nodeId: row.text("node_id"),
    targetHost: row.text("target_host"),
    targetPort: row.number("target_port"),
    authorizedKey: row.text("authorized_key"),
    createdAtMs: row.number("created_at"),
    expiresAtMs: row.number("expires_at"),
  };
}
