import assert from "node:assert/strict";
import { NO_SCREEN } from "../../src/cli/output/screen.ts";
import { secretsTable } from "../../src/cli/secrets_table.ts";

const refs = [{ key: "db", version: 3 }, { key: "a\nb", version: 1 }];

Deno.test("secretsTable() gives programs a name a line, whatever is in a name", () => {
  assert.equal(secretsTable(NO_SCREEN, refs), "db\na\ufffdb");
  assert.equal(secretsTable(NO_SCREEN, []), "");
  assert.equal(secretsTable(NO_SCREEN, null), "");
});

Deno.test("secretsTable() gives people columns", () => {
  const screen = { ...NO_SCREEN, columns: 80 };
  const [head, first] = secretsTable(screen, refs).split("\n");
  assert.match(head ?? "", /^NAME +VERSION$/);
  assert.match(first ?? "", /^db +3$/);
});
