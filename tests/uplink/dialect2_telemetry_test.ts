import assert from "node:assert/strict";
import * as z from "zod/mini";
import {
  audit2Schema,
  log2Schema,
  metric2Schema,
} from "../../src/wire/dialect2/bodies.ts";
import type { AuditEntry, LogEntry } from "../../src/wire/bodies.ts";
import { jsonOf, never, NODE_ID, nodeAt, textOf } from "./dialect2_node.ts";
import { type SeenRequest, TestServer } from "./serve.ts";

const timestamp = "2026-03-01T11:59:00.000Z";
const accepted = () =>
  Response.json({ accepted_at: "now", records: 1 }, { status: 202 });

function checkIngest(request: SeenRequest, surface: string, type: string) {
  assert.equal(request.method, "POST");
  assert.equal(request.path, `/v1/nodes/${NODE_ID}/${surface}`);
  assert.equal(request.headers.get("content-type"), type);
  assert.equal(
    request.headers.get("x-plexsphere-sent-at"),
    "2026-03-01T12:00:00.000Z",
  );
}

Deno.test("sendMetrics() makes a metric of each figure", async () => {
  await using server = new TestServer(accepted);
  await nodeAt(server.url).uplink.sendMetrics([{
    timestamp,
    data: { cpu_usage_percent: 12.5, memory_used_bytes: 1_024 },
  }], never);
  const [request] = server.seen;
  checkIngest(request!, "metrics", "application/json");
  const body = await jsonOf(request) as unknown[];
  const group = "node_resources";
  assert.deepEqual(body, [
    { group, name: "cpu_usage_percent", value: 12.5, timestamp },
    { group, name: "memory_used_bytes", value: 1_024, timestamp },
  ]);
  for (const metric of body) z.parse(metric2Schema, metric);
});

/** The records of a body of lines, each of which ends in a newline. */
async function linesOf(request: SeenRequest): Promise<unknown[]> {
  const text = await textOf(request);
  assert.ok(text.endsWith("\n"));
  return text.slice(0, -1).split("\n").map((line) => JSON.parse(line));
}

const log: LogEntry = {
  timestamp,
  source: "plexd",
  unit: "plexd",
  message: "two\nlines",
  severity: "warning",
  hostname: "host-1",
};

for (const count of [1, 100]) {
  Deno.test(`sendLogs() sends ${count} log entries as lines`, async () => {
    await using server = new TestServer(accepted);
    const entries = Array.from({ length: count }, () => log);
    await nodeAt(server.url).uplink.sendLogs(entries, never);
    const [request] = server.seen;
    checkIngest(request!, "logs", "application/x-ndjson");
    const lines = await linesOf(request!);
    assert.equal(lines.length, count);
    const { source: _source, ...rest } = log;
    assert.deepEqual(lines[0], rest);
    z.parse(log2Schema, lines[0]);
  });
}

Deno.test("sendAudit() says what was done and how it went", async () => {
  const record: AuditEntry = {
    timestamp,
    source: "plexd",
    event_type: "secret_read",
    subject: { socket: "secrets" },
    object: { key: "db" },
    action: "read",
    result: "success",
    hostname: "host-1",
    raw: "",
  };
  await using server = new TestServer(accepted);
  await nodeAt(server.url).uplink.sendAudit([record], never);
  const [request] = server.seen;
  checkIngest(request!, "audit", "application/x-ndjson");
  const lines = await linesOf(request!);
  assert.deepEqual(lines, [{
    source: "auditd",
    action: "secret_read",
    outcome: "success",
    timestamp,
  }]);
  z.parse(audit2Schema, lines[0]);
});

Deno.test("telemetry of nothing calls nobody", async () => {
  await using server = new TestServer(accepted);
  const { uplink } = nodeAt(server.url);
  await uplink.sendMetrics([{ timestamp, data: {} }], never);
  await uplink.sendLogs([], never);
  await uplink.sendAudit([], never);
  assert.deepEqual(server.seen, []);
});
