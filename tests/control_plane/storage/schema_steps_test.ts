import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStorage } from "../../../src/control_plane/sqlite_storage.ts";
import { SCHEMA_STEPS } from "../../../src/control_plane/storage/sqlite_schema.ts";

/** One row in every table of the first schema. */
const FIRST_ROWS = `
  INSERT INTO settings VALUES ('epoch', '7');
  INSERT INTO domains VALUES ('d', 'default', '10.42.0.0/16');
  INSERT INTO tokens VALUES (x'01', 'd', 9, 8, 'n', 'k');
  INSERT INTO nodes VALUES ('n', 'd', 1, 'h', 'k', '10.42.0.1', '{}', x'02',
    x'03', 5, 4, 0, 3, 4, 5, '{"a":1}', 1);
  INSERT INTO metadata VALUES ('n', 'm', 'v');
  INSERT INTO data VALUES ('n', 'e', 'a/b', '1', 2, 't');
  INSERT INTO secrets VALUES ('n', 's', x'04', 3);
  INSERT INTO events (id, type, domain_id, node_id, payload, signing_key_id,
    created_at) VALUES ('e', 'node_state_updated', 'd', 'n', '{}', 's', 6);
  INSERT INTO signing_keys VALUES ('s', 'p', x'05', 1, NULL, NULL);
  INSERT INTO reports VALUES ('n', 'r', 'a/b', '1', 1, 't', 7);
  INSERT INTO drift (node_id, received_at, report) VALUES ('n', 1, '{}');
  INSERT INTO admin_tokens VALUES (x'06', 1);
  INSERT INTO audit (at, subject, relation, object, outcome)
    VALUES (1, 'admin', 'a', 'b', 'done');
`;

/** A database that has taken some steps, the first of them with rows. */
function databaseAfter(steps: number, path: string) {
  const database = new DatabaseSync(path);
  for (const [at, step] of SCHEMA_STEPS.slice(0, steps).entries()) {
    database.exec(`BEGIN; ${step} PRAGMA user_version = ${at + 1}; COMMIT;`);
    if (at === 0) database.exec(FIRST_ROWS);
  }
  database.close();
}

const asText = (values: unknown[]) => values.map((value) => String(value));

for (const steps of SCHEMA_STEPS.keys()) {
  const from = steps + 1;
  Deno.test(`a database of schema ${from} becomes one of today with all its rows`, async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/a.db`;
    databaseAfter(from, path);
    const storage = openSqliteStorage(path);
    const found = await storage.read(async (rows) => {
      const node = await rows.nodes.byId("n");
      return {
        node: [node?.hostname, node?.stateVersion, node?.reachabilityState],
        values: [
          await rows.settings.get("epoch"),
          (await rows.values.metadata("n")).get("m"),
          (await rows.values.dataEntry("n", "e"))?.payload,
          (await rows.secrets.get("n", "s"))?.version,
          (await rows.signingKeys.current())?.publicKey,
          (await rows.reports.get("n", "r"))?.payload,
          (await rows.reports.drift("n")).length,
          (await rows.audit.newest(9)).map(({ outcome, source }) =>
            `${outcome} ${source}`
          ).join(),
          await rows.events.lastSequence(),
        ],
        agent: await rows.relations.has({
          subject: "node:n",
          relation: "node-agent",
          object: "node:n",
        }),
        operators: (await rows.admins.all()).map(({ scopes }) => scopes),
      };
    });
    storage.close();
    assert.deepEqual(found, {
      node: ["h", 5, "healthy"],
      values: ["7", "v", "1", 3, "p", "1", 1, "done undefined", 1],
      agent: true,
      operators: [["admin"]],
    });
    const database = new DatabaseSync(path);
    const check = (pragma: string) =>
      asText(database.prepare(`PRAGMA ${pragma}`).all().flatMap(Object.values));
    assert.deepEqual(check("user_version"), [String(SCHEMA_STEPS.length)]);
    assert.deepEqual(check("integrity_check"), ["ok"]);
    assert.deepEqual(check("foreign_key_check"), []);
    database.close();
    await Deno.remove(folder, { recursive: true });
  });
}
