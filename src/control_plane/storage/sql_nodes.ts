import type { Sql, SqlRow } from "./sql.ts";
import type { Node, NodeRows } from "./storage.ts";

export function nodeRows(sql: Sql): NodeRows {
  const one = (row: SqlRow | undefined) => row && nodeFrom(row);
  return {
    all: () => sql.all("SELECT * FROM nodes ORDER BY id").map(nodeFrom),
    ofDomain: (domainId) =>
      sql.all("SELECT * FROM nodes WHERE domain_id = ? ORDER BY id", domainId)
        .map(nodeFrom),
    meshIps: (domainId) =>
      sql.all("SELECT mesh_ip FROM nodes WHERE domain_id = ?", domainId)
        .map((row) => row.text("mesh_ip")),
    byId: (id) => one(sql.get("SELECT * FROM nodes WHERE id = ?", id)),
    byBearer: (hash) =>
      one(sql.get("SELECT * FROM nodes WHERE bearer_hash = ?", hash)),
    add(node, bearerHash) {
      sql.run(
        `INSERT INTO nodes (id, domain_id, dialect, hostname, public_key,
          mesh_ip, labels, bearer_hash, sealed_key, first_sequence,
          registered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        node.id,
        node.domainId,
        node.dialect,
        node.hostname,
        node.publicKey,
        node.meshIp,
        node.labels,
        bearerHash,
        node.sealedKey,
        node.firstSequence,
        node.registeredAtMs,
      );
    },
    remove(id) {
      sql.run("DELETE FROM events WHERE node_id = ?", id);
      sql.run("DELETE FROM nodes WHERE id = ?", id);
    },
    replaceKey(id, { bearerHash, sealedKey, firstSequence }) {
      sql.run(
        `UPDATE nodes SET bearer_hash = ?, sealed_key = ?, first_sequence = ?
          WHERE id = ?`,
        bearerHash,
        sealedKey,
        firstSequence,
        id,
      );
    },
    firstCall(id, atMs) {
      sql.run(
        "UPDATE nodes SET first_call_at = ? WHERE id = ? AND first_call_at IS NULL",
        atMs,
        id,
      );
    },
    pulled(id, stateVersion) {
      sql.run(
        "UPDATE nodes SET pulled_version = ? WHERE id = ?",
        stateVersion,
        id,
      );
    },
    heartbeat(id, atMs, text) {
      sql.run(
        "UPDATE nodes SET last_heartbeat_at = ?, heartbeat = ? WHERE id = ?",
        atMs,
        text,
        id,
      );
    },
    rotateKeys(id, wanted) {
      sql.run(
        "UPDATE nodes SET rotate_keys = ? WHERE id = ?",
        wanted ? 1 : 0,
        id,
      );
    },
    nextStateVersion(id) {
      const row = sql.get(
        `UPDATE nodes SET state_version = state_version + 1 WHERE id = ?
          RETURNING state_version`,
        id,
      );
      if (!row) throw new TypeError("No such node to count a change of");
      return row.number("state_version");
    },
  };
}

function nodeFrom(row: SqlRow): Node {
  return {
    id: row.text("id"),
    domainId: row.text("domain_id"),
    dialect: row.number("dialect"),
    hostname: row.text("hostname"),
    publicKey: row.text("public_key"),
    meshIp: row.text("mesh_ip"),
    labels: row.text("labels"),
    sealedKey: row.bytes("sealed_key"),
    stateVersion: row.number("state_version"),
    pulledVersion: row.number("pulled_version"),
    firstSequence: row.number("first_sequence"),
    registeredAtMs: row.number("registered_at"),
    firstCallAtMs: row.numberOrNothing("first_call_at"),
    lastHeartbeatAtMs: row.numberOrNothing("last_heartbeat_at"),
    heartbeat: row.textOrNothing("heartbeat"),
    rotateKeys: row.number("rotate_keys") === 1,
  };
}
