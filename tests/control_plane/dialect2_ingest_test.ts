import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { join2, type TestNode2 } from "./dialect2_node.ts";
import { RunningPlane } from "./running_plane.ts";

const AT = "2026-03-01T12:00:00Z";
const SENT = { "x-plexsphere-sent-at": AT };

const METRIC = {
  group: "node_resources",
  name: "cpu_usage_percent",
  value: 1.5,
  labels: { cpu: "0" },
  timestamp: AT,
};
const LOG = { severity: "err", message: "a\nb", timestamp: AT, unit: "u" };
const AUDIT = {
  source: "auditd",
  action: "secret_read",
  outcome: "success",
  timestamp: AT,
};

/** Each surface with a record of it, and how several travel. */
const SURFACES = [
  {
    kind: "metrics",
    record: METRIC,
    wrong: { ...METRIC, group: "system" },
    body: (records: unknown[]) => JSON.stringify(records),
  },
  { kind: "logs", record: LOG, wrong: { ...LOG, x: 1 }, body: lines },
  {
    kind: "audit",
    record: AUDIT,
    wrong: { ...AUDIT, source: "plexd" },
    body: lines,
  },
] as const;

function lines(records: unknown[]): string {
  return records.map((record) => JSON.stringify(record) + "\n").join("");
}

function send(
  node: TestNode2,
  kind: string,
  body: unknown,
  headers: Record<string, string> = SENT,
) {
  return node.call("POST", `/${kind}`, body, headers);
}

for (const { kind, record, wrong, body } of SURFACES) {
  Deno.test(`${kind} of dialect 2 are kept as they are, plain or zipped`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    const text = body([record, record]);
    const answer = await send(node, kind, text);
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual(answer.json, {
      accepted_at: "2026-03-01T12:00:00.000Z",
      records: 2,
    });
    const zipped = await send(node, kind, new Uint8Array(gzipSync(text)), {
      ...SENT,
      "content-encoding": "gzip",
    });
    assert.equal(zipped.json["records"], 2);
    const { json } = await node.admin("GET", `/${kind}`);
    const shown = json[kind] as Record<string, unknown>[];
    assert.deepEqual(shown.map((one) => one["record"]), Array(4).fill(record));
  });

  Deno.test(`${kind} of dialect 2 with a wrong batch are refused whole`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    const cases: {
      body: string;
      headers?: Record<string, string>;
      status?: 400 | 413 | 415;
      code?: string;
    }[] = [
      { body: body([record, wrong]) },
      { body: "{" },
      {
        body: body([record]).replace(
          '"timestamp"',
          '"timestamp":"","timestamp"',
        ),
      },
      { body: body([record]), headers: {}, code: "ingest_sent_at_invalid" },
      {
        body: body([record]),
        headers: { "x-plexsphere-sent-at": "now" },
        code: "ingest_sent_at_invalid",
      },
      {
        body: body([record]),
        headers: { ...SENT, "content-encoding": "gzip" },
        code: "ingest_encoding_invalid",
      },
      {
        body: body([record]),
        headers: { ...SENT, "content-encoding": "br" },
        status: 415,
        code: "ingest_encoding_unsupported",
      },
      {
        body: body(Array(1001).fill(record)),
        status: 413,
        code: "ingest_batch_too_many_records",
      },
      {
        body: body([{ ...record, timestamp: "x".repeat(16 * 1024) }]),
        status: 413,
        code: "ingest_body_too_large",
      },
      {
        body: " ".repeat(1024 * 1024 + 1),
        status: 413,
        code: "ingest_body_too_large",
      },
    ];
    for (const { body, headers, status, code } of cases) {
      (await send(node, kind, body, headers))
        .assertProblem(status ?? 400, code ?? "ingest_batch_malformed");
    }
    assert.deepEqual((await node.admin("GET", `/${kind}`)).json, {
      [kind]: [],
    });
  });

  Deno.test(`${kind} of dialect 2 cannot come in too many calls`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    for (let count = 0; count < 30; count++) {
      assert.equal((await send(node, kind, body([]))).status, 202);
    }
    const answer = await send(node, kind, body([]));
    answer.assertProblem(429, "per_node_rate_limited");
    assert.equal(answer.headers.get("retry-after"), "1");
  });
}

Deno.test("lines may end as on other systems, and the last one not at all", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const text = `${JSON.stringify(LOG)}\r\n\r\n${JSON.stringify(LOG)}`;
  assert.equal((await send(node, "logs", text)).json["records"], 2);
});
