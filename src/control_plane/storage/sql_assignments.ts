import type { AssignmentRows, DomainService } from "./assignments.ts";
import type { Sql, SqlRow } from "./sql.ts";

export function assignmentRows(sql: Sql): AssignmentRows {
  return {
    services: (domainId) =>
      sql.all(
        "SELECT * FROM domain_services WHERE domain_id = ? ORDER BY name",
        domainId,
      ).map(serviceFrom),
    service(domainId, name) {
      const row = sql.get(
        "SELECT * FROM domain_services WHERE domain_id = ? AND name = ?",
        domainId,
        name,
      );
      return row && serviceFrom(row);
    },
    putService(domainId, { name, roles, spec }) {
      sql.run(
        `INSERT OR REPLACE INTO domain_services (domain_id, name, roles, spec)
          VALUES (?, ?, ?, ?)`,
        domainId,
        name,
        JSON.stringify(roles),
        spec,
      );
    },
    removeService: (domainId, name) =>
      sql.run(
        "DELETE FROM domain_services WHERE domain_id = ? AND name = ?",
        domainId,
        name,
      ) > 0,
    roles: (nodeId) =>
      sql.all(
        "SELECT role FROM node_roles WHERE node_id = ? ORDER BY role",
        nodeId,
      ).map((row) => row.text("role")),
    addRole: (nodeId, role) =>
      sql.run(
        "INSERT OR IGNORE INTO node_roles (node_id, role) VALUES (?, ?)",
        nodeId,
        role,
      ) > 0,
    removeRole: (nodeId, role) =>
      sql.run(
        "DELETE FROM node_roles WHERE node_id = ? AND role = ?",
        nodeId,
        role,
      ) > 0,
  };
}

function serviceFrom(row: SqlRow): DomainService {
  return {
    name: row.text("name"),
    roles: JSON.parse(row.text("roles")),
    spec: row.text("spec"),
  };
}
