import assert from "node:assert/strict";
import { MAX_BODY_BYTES } from "../../src/control_plane/http/request_body.ts";
import {
  KEPT_RECORDS,
  MAX_RECORD_CHARACTERS,
  MAX_RECORDS,
} from "../../src/control_plane/node_routes/ingest.ts";
import { RunningPlane, type TestNode } from "./running_plane.ts";

const RECORDS = {
  metrics: {
    timestamp: "2026-03-01T12:00:00Z",
    group: "system",
    data: { cpu_usage_percent: 1 },
  },
  logs: {
    timestamp: "2026-03-01T12:00:00Z",
    source: "journald",
    unit: "plexd",
    message: "up",
    severity: "info",
    hostname: "web-1",
  },
  audit: {
    timestamp: "2026-03-01T12:00:00Z",
    source: "plexd",
    event_type: "secret_read",
    subject: { uid: 0 },
    object: "db-password",
    action: "read",
    result: "success",
    hostname: "web-1",
    raw: "",
  },
} as const;

type Kind = keyof typeof RECORDS;
const KINDS = Object.keys(RECORDS) as Kind[];

async function shown(node: TestNode, kind: Kind) {
  const { json } = await node.admin("GET", `/${kind}`);
  return json[kind] as { received_at: string; record: unknown }[];
}

for (const kind of KINDS) {
  Deno.test(`${kind} are kept as they came, and shown newest first`, async () => {
    await using plane = await RunningPlane.start();
    const [node, other] = [await plane.join(), await plane.join()];
    const record = RECORDS[kind];
    const later = { ...record, timestamp: "2026-03-01T12:00:01Z", extra: 1 };
    const answer = await node.call("POST", `/${kind}`, [record, later]);
    assert.equal(answer.status, 202);
    assert.deepEqual(answer.json, { accepted: 2 });
    assert.deepEqual(await shown(node, kind), [
      { received_at: "2026-03-01T12:00:00.000Z", record: later },
      { received_at: "2026-03-01T12:00:00.000Z", record },
    ]);
    assert.deepEqual(await shown(other, kind), []);
    const empty = await node.call("POST", `/${kind}`, []);
    assert.deepEqual(empty.json, { accepted: 0 });
  });

  Deno.test(`${kind} of a wrong shape are refused as a whole`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const good = JSON.stringify(RECORDS[kind]);
    for (
      const [body, status, code] of [
        ["", 400, "malformed_body"],
        ["null", 400, "malformed_body"],
        [good, 400, "malformed_body"],
        [`[${good},]`, 400, "malformed_body"],
        [`[${good},{}]`, 400, "malformed_body"],
        [`[${good},null]`, 400, "malformed_body"],
        [`[${good.replace("{", '{"timestamp":"x",')}]`, 400, "malformed_body"],
        [
          `[${Array(MAX_RECORDS + 1).fill("0")}]`,
          413,
          "too_many_records",
        ],
        [
          `[${
            good.replace("{", `{"x":"${"x".repeat(MAX_RECORD_CHARACTERS)}",`)
          }]`,
          413,
          "record_too_large",
        ],
        [" ".repeat(MAX_BODY_BYTES + 1), 413, "body_too_large"],
      ] as const
    ) {
      const answer = await node.call("POST", `/${kind}`, body);
      answer.assertProblem(status, code);
    }
    assert.deepEqual(await shown(node, kind), []);
  });
}

Deno.test("records say which of them is wrong", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const bad = { ...RECORDS.logs, severity: "loud" };
  const answer = await node.call("POST", "/logs", [RECORDS.logs, bad]);
  assert.match(String(answer.json["detail"]), /1\.severity/);
});

Deno.test("records are kept to a number for each node and kind, the newest ones", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await plane.join(), await plane.join()];
  const numbered = (group: string, count: number) =>
    Array(count).fill({ ...RECORDS.metrics, group });
  await other.call("POST", "/metrics", numbered("other", 2));
  await node.call("POST", "/logs", [RECORDS.logs]);
  await node.call("POST", "/metrics", numbered("old", MAX_RECORDS));
  await node.call("POST", "/metrics", numbered("new", KEPT_RECORDS - 1));
  await plane.stop();
  using database = await openDatabase(plane);
  const count = (group: string) =>
    database.sql.prepare(
      "SELECT count(*) AS count FROM ingest WHERE record LIKE ?",
    ).get(`%"group":"${group}"%`)?.["count"];
  assert.deepEqual(
    ["old", "new", "other"].map(count),
    [1, KEPT_RECORDS - 1, 2],
  );
});

async function openDatabase(plane: RunningPlane) {
  const { DatabaseSync } = await import("node:sqlite");
  const sql = new DatabaseSync(`${plane.dataDir}/control-plane.db`);
  return { sql, [Symbol.dispose]: () => sql.close() };
}

Deno.test("a node that sends too often is told to wait, by kind", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  for (let call = 0; call < 30; call++) {
    assert.equal((await node.call("POST", "/logs", [])).status, 202);
  }
  const refused = await node.call("POST", "/logs", []);
  refused.assertProblem(429, "per_node_rate_limited");
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal((await node.call("POST", "/metrics", [])).status, 202);
  await plane.clock.advance(1_000);
  assert.equal((await node.call("POST", "/logs", [])).status, 202);
});

Deno.test("capabilities are kept, the latest ones", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  (await plane.admin("GET", `/nodes/${node.id}/capabilities`))
    .assertProblem(404, "capabilities_not_found");
  for (const version of ["1", "2"]) {
    const capabilities = {
      binary: { version, checksum: "sha256:x" },
      builtin_actions: [],
      hooks: [],
    };
    const answer = await node.call("PUT", "/capabilities", capabilities);
    assert.equal(answer.status, 200, answer.text);
    const { json } = await node.admin("GET", "/capabilities");
    assert.deepEqual(json, {
      received_at: "2026-03-01T12:00:00.000Z",
      capabilities,
    });
  }
});

Deno.test("capabilities of a Go agent, whose empty lists are null, are taken", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  for (
    const capabilities of [
      { builtin_actions: null, hooks: null },
      {
        builtin_actions: [
          { name: "gather", description: "", parameters: null },
        ],
        hooks: null,
      },
    ]
  ) {
    const answer = await node.call("PUT", "/capabilities", capabilities);
    assert.equal(answer.status, 200, answer.text);
    const { json } = await node.admin("GET", "/capabilities");
    assert.deepEqual(json["capabilities"], capabilities);
  }
});
