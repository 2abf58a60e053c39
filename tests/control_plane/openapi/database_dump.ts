import { DatabaseSync } from "node:sqlite";

/**
 * All rows of all tables of a control plane, as text. Without the audit log: a
 * refusal is noted there.
 */
export function databaseDump(dataDir: string): string {
  const path = `${dataDir}/control-plane.db`;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' " +
        "AND name NOT IN ('audit', 'sqlite_sequence') ORDER BY name",
    ).all();
    return tables.map(({ name }) => {
      const rows = database.prepare(`SELECT * FROM ${name}`).all();
      return [name, ...rows.map((row) => JSON.stringify(row)).sort()]
        .join("\n");
    }).join("\n");
  } finally {
    database.close();
  }
}
