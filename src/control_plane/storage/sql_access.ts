import type { Sql, SqlRow } from "./sql.ts";
import type {
  AdminRows,
  AuditRows,
  Domain,
  DomainRows,
  RelationRows,
  SettingRows,
  StoredAuditRow,
  Token,
  TokenRows,
} from "./storage.ts";

export function settingRows(sql: Sql): SettingRows {
  return {
    get: (name) =>
      sql.get("SELECT value FROM settings WHERE name = ?", name)?.text("value"),
    set(name, value) {
      sql.run(
        "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)",
        name,
        value,
      );
    },
  };
}

export function domainRows(sql: Sql): DomainRows {
  const select = "SELECT * FROM domains";
  const domainFrom = (row: SqlRow | undefined): Domain | undefined =>
    row && {
      id: row.text("id"),
      name: row.text("name"),
      meshCidr: row.text("mesh_cidr"),
    };
  return {
    all: () => sql.all(`${select} ORDER BY id`).map((row) => domainFrom(row)!),
    byId: (id) => domainFrom(sql.get(`${select} WHERE id = ?`, id)),
    byName: (name) => domainFrom(sql.get(`${select} WHERE name = ?`, name)),
    add({ id, name, meshCidr }) {
      sql.run(
        "INSERT INTO domains (id, name, mesh_cidr) VALUES (?, ?, ?)",
        id,
        name,
        meshCidr,
      );
    },
  };
}

export function tokenRows(sql: Sql): TokenRows {
  return {
    all: () =>
      sql.all("SELECT * FROM tokens ORDER BY expires_at, hash").map(tokenFrom),
    remove: (hash) => sql.run("DELETE FROM tokens WHERE hash = ?", hash) > 0,
    byHash(hash) {
      const row = sql.get("SELECT * FROM tokens WHERE hash = ?", hash);
      return row && tokenFrom(row);
    },
    add({ hash, domainId, expiresAtMs }) {
      sql.run(
        "INSERT INTO tokens (hash, domain_id, expires_at) VALUES (?, ?, ?)",
        hash,
        domainId,
        expiresAtMs,
      );
    },
    use(hash, { atMs, nodeId, publicKey }) {
      sql.run(
        "UPDATE tokens SET used_at = ?, node_id = ?, public_key = ? WHERE hash = ?",
        atMs,
        nodeId,
        publicKey,
        hash,
      );
    },
    prune: (beforeMs) =>
      sql.run(
        "DELETE FROM tokens WHERE coalesce(used_at, expires_at) < ?",
        beforeMs,
      ),
  };
}

function tokenFrom(row: SqlRow): Token {
  const usedAtMs = row.numberOrNothing("used_at");
  return {
    hash: row.bytes("hash"),
    domainId: row.text("domain_id"),
    expiresAtMs: row.number("expires_at"),
    ...(usedAtMs === undefined ? {} : {
      use: {
        atMs: usedAtMs,
        nodeId: row.text("node_id"),
        publicKey: row.text("public_key"),
      },
    }),
  };
}

export function relationRows(sql: Sql): RelationRows {
  return {
    has: ({ subject, relation, object }) =>
      sql.get(
        `SELECT 1 FROM relations
         WHERE subject = ? AND relation = ? AND object = ?`,
        subject,
        relation,
        object,
      ) !== undefined,
    add({ subject, relation, object }) {
      sql.run(
        `INSERT OR IGNORE INTO relations (subject, relation, object)
         VALUES (?, ?, ?)`,
        subject,
        relation,
        object,
      );
    },
    removeOf(one) {
      sql.run(
        "DELETE FROM relations WHERE subject = ? OR object = ?",
        one,
        one,
      );
    },
  };
}

export function adminRows(sql: Sql): AdminRows {
  return {
    all: () =>
      sql.all("SELECT * FROM admin_tokens ORDER BY created_at, name")
        .map((row) => ({
          hash: row.bytes("hash"),
          name: row.text("name"),
          scopes: JSON.parse(row.text("scopes")),
          createdAtMs: row.number("created_at"),
          expiresAtMs: row.numberOrNothing("expires_at"),
        })),
    add({ hash, name, scopes, createdAtMs, expiresAtMs }) {
      sql.run(
        `INSERT INTO admin_tokens (hash, name, scopes, created_at, expires_at)
          VALUES (?, ?, ?, ?, ?)`,
        hash,
        name,
        JSON.stringify(scopes),
        createdAtMs,
        expiresAtMs ?? null,
      );
    },
    remove: (name) =>
      sql.run("DELETE FROM admin_tokens WHERE name = ?", name) > 0,
  };
}

export function auditRows(sql: Sql): AuditRows {
  return {
    add({ atMs, subject, relation, object, outcome, source }) {
      sql.run(
        `INSERT INTO audit (at, subject, relation, object, outcome, source)
          VALUES (?, ?, ?, ?, ?, ?)`,
        atMs,
        subject,
        relation,
        object,
        outcome,
        source,
      );
    },
    newest: (limit) =>
      sql.all("SELECT * FROM audit ORDER BY id DESC LIMIT ?", limit)
        .map(auditRowFrom),
    after: (id, limit) =>
      sql.all("SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?", id, limit)
        .map(auditRowFrom),
    prune: (olderThanMs, most) =>
      sql.run(
        `DELETE FROM audit WHERE at < ?
          OR id <= (SELECT max(id) FROM audit) - ?`,
        olderThanMs,
        most,
      ),
  };
}

function auditRowFrom(row: SqlRow): StoredAuditRow {
  return {
    id: row.number("id"),
    atMs: row.number("at"),
    subject: row.text("subject"),
    relation: row.text("relation"),
    object: row.text("object"),
    outcome: row.text("outcome"),
    source: row.textOrNothing("source"),
  };
}
