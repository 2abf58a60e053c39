import type { Sql, SqlRow } from "./sql.ts";
import type { ReachabilityState } from "../state/composition_source.ts";
import type { Node, NodeRows } from "./storage.ts";

export function nodeRows(sql: Sql): NodeRows {
  const one = (row: SqlRow | undefined) => row && nodeFrom(row);
  return {
    all: () => sql.all("SELECT * FROM nodes ORDER BY id").map(nodeFrom),
    ofDomain: (domainId) =>
      sql.all(
        `SELECT * FROM nodes WHERE domain_id = ? AND revoked_at IS NULL
          ORDER BY id`,
        domainId,
      ).map(nodeFrom),
    meshIps: (domainId) =>
      sql.all("SELECT mesh_ip FROM nodes WHERE domain_id = ?", domainId)
        .map((row) => row.text("mesh_ip")),
    byId: (id) => one(sql.get("SELECT * FROM nodes WHERE id = ?", id)),
    byBearer: (hash) =>
      one(sql.get("SELECT * FROM nodes WHERE bearer_hash = ?", hash)),
    byRegistrationNonce: (nonce) =>
      one(sql.get("SELECT * FROM nodes WHERE registration_nonce = ?", nonce)),
    add(node, bearerHash) {
      sql.run(
        `INSERT INTO nodes (id, domain_id, dialect, hostname, public_key,
          mesh_ip, labels, bearer_hash, sealed_key, first_sequence,
          registered_at, registration_nonce)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
        node.registrationNonce ?? null,
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
    heartbeat(id, { atMs, text }) {
      sql.run(
        "UPDATE nodes SET last_heartbeat_at = ?, heartbeat = ? WHERE id = ?",
        atMs,
        text,
        id,
      );
    },
    reachabilityChanged(id, { state, atMs }) {
      sql.run(
        `UPDATE nodes SET reachability_state = ?, reachability_changed_at = ?
          WHERE id = ?`,
        state,
        atMs,
        id,
      );
    },
    countByReachability: () =>
      new Map(
        sql.all(
          `SELECT reachability_state, count(*) AS nodes FROM nodes
            WHERE revoked_at IS NULL GROUP BY reachability_state`,
        ).map((row) => [
          row.text("reachability_state") as ReachabilityState,
          row.number("nodes"),
        ]),
      ),
    silentSince: (state, ms) =>
      sql.all(
        `SELECT * FROM nodes
          WHERE reachability_state = ? AND last_heartbeat_at <= ? ORDER BY id`,
        state,
        ms,
      ).map(nodeFrom),
    notHeardAfter(ms) {
      sql.run(
        "UPDATE nodes SET last_heartbeat_at = ? WHERE last_heartbeat_at > ?",
        ms,
        ms,
      );
    },
    wantRotation(id, rotationId) {
      sql.run(
        "UPDATE nodes SET rotate_keys = 1, rotation_id = ? WHERE id = ?",
        rotationId,
        id,
      );
    },
    rotated(id, publicKey, rotationId) {
      sql.run(
        `UPDATE nodes SET public_key = ?, rotation_id = ?, rotate_keys = 0,
          key_version = key_version + 1 WHERE id = ?`,
        publicKey,
        rotationId,
        id,
      );
    },
    setEndpoint(id, endpoint, natType, atMs) {
      sql.run(
        `UPDATE nodes SET endpoint = ?, nat_type = ?, endpoint_at = ?
          WHERE id = ?`,
        endpoint,
        natType,
        atMs,
        id,
      );
    },
    revoke(id, atMs) {
      sql.run("UPDATE nodes SET revoked_at = ? WHERE id = ?", atMs, id);
    },
    setCapabilities(id, text, atMs) {
      sql.run(
        "UPDATE nodes SET capabilities = ?, capabilities_at = ? WHERE id = ?",
        text,
        atMs,
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
    nextStateVersions: (domainId, exceptNodeId) =>
      sql.run(
        `UPDATE nodes SET state_version = state_version + 1
          WHERE domain_id = ? AND id IS NOT ?`,
        domainId,
        exceptNodeId ?? null,
      ),
  };
}

function nodeFrom(row: SqlRow): Node {
  return {
    id: row.text("id"),
    domainId: row.text("domain_id"),
    dialect: row.number("dialect") === 2 ? 2 : 1,
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
    // The schema allows nothing else.
    reachabilityState: row.text("reachability_state") as ReachabilityState,
    reachabilityChangedAtMs: row.numberOrNothing("reachability_changed_at"),
    rotateKeys: row.number("rotate_keys") === 1,
    rotationId: row.textOrNothing("rotation_id"),
    keyVersion: row.number("key_version"),
    endpoint: row.text("endpoint"),
    natType: row.textOrNothing("nat_type"),
    endpointAtMs: row.numberOrNothing("endpoint_at"),
    capabilities: row.textOrNothing("capabilities"),
    capabilitiesAtMs: row.numberOrNothing("capabilities_at"),
    registrationNonce: row.textOrNothing("registration_nonce"),
    revokedAtMs: row.numberOrNothing("revoked_at"),
  };
}
