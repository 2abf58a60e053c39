import assert from "node:assert/strict";
import { NO_SCREEN } from "../../src/cli/output/screen.ts";
import { stateTable } from "../../src/cli/state_table.ts";

Deno.test("stateTable() gives a line for each key, in columns", () => {
  const table = stateTable(NO_SCREEN, {
    metadata: { region: "eu-1" },
    data_keys: [{ key: "motd", version: 12, content_type: "text/plain" }],
    secret_keys: [{ key: "db-password", version: 3 }],
    report_keys: [{ key: "health", version: 1 }],
  });
  assert.deepEqual(table.split("\n"), [
    "TYPE      KEY          VERSION",
    "metadata  region",
    "data      motd         12",
    "secret    db-password  3",
    "report    health       1",
  ]);
});

Deno.test("stateTable() gives the same lines for a full state", () => {
  const entry = { payload: {}, content_type: "a/b", updated_at: "" };
  const table = stateTable(NO_SCREEN, {
    metadata: {},
    data: [{ key: "motd", version: 12, ...entry }],
    secret_keys: [{ key: "db-password", version: 3 }],
    reports: [{ key: "health", version: 1, ...entry }],
  });
  assert.deepEqual(table.split("\n").slice(1), [
    "data    motd         12",
    "secret  db-password  3",
    "report  health       1",
  ]);
});

Deno.test("stateTable() tells how far each report is, where that is known", () => {
  const summary = {
    metadata: { region: "eu-1" },
    report_keys: [{ key: "a", version: 1 }, { key: "b", version: 2 }],
  };
  const table = stateTable(NO_SCREEN, summary, [
    { key: "a", version: 1, sync: { state: "local_only", at: null } },
  ]);
  assert.deepEqual(table.split("\n"), [
    "TYPE      KEY     VERSION  SYNC",
    "metadata  region",
    "report    a       1        local_only",
    "report    b       2",
  ]);
  const ofOldAgent = [{ key: "a", version: 1 }];
  assert.match(stateTable(NO_SCREEN, summary, ofOldAgent), /VERSION\n/);
});

Deno.test("stateTable() does not let a key steer the terminal", () => {
  const table = stateTable(NO_SCREEN, {
    data_keys: [{ key: "a\x1b[2J", version: 1 }],
  });
  assert.ok(!table.includes("\x1b"));
});

for (const odd of [undefined, null, [], "x", { data_keys: [null, 3] }]) {
  Deno.test(`stateTable() shows what there is of ${JSON.stringify(odd)}`, () => {
    assert.match(stateTable(NO_SCREEN, odd), /^TYPE/);
  });
}
