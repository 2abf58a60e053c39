import assert from "node:assert/strict";
import * as z from "zod/mini";
import { createHash } from "node:crypto";
import { ControlError } from "../../src/uplink/control_error.ts";
import type {
  ExecutionResult,
  ExecutionStatus,
} from "../../src/wire/bodies.ts";
import {
  type ExecutionCallback2,
  executionCallback2Schema,
} from "../../src/wire/dialect2/bodies.ts";
import { jsonOf, never, NODE_ID, nodeAt, problem } from "./dialect2_node.ts";
import { failureFrom, type SeenRequest, TestServer } from "./serve.ts";

const done = () => Response.json({});

async function callbacksOf(
  requests: readonly SeenRequest[],
): Promise<ExecutionCallback2[]> {
  const bodies = [];
  for (const request of requests) {
    if (request.method !== "POST") continue;
    assert.equal(request.path, `/v1/nodes/${NODE_ID}/executions/x-1`);
    bodies.push(z.parse(executionCallback2Schema, await jsonOf(request)));
  }
  return bodies;
}

const accepted = {
  execution_id: "x-1",
  status: "accepted",
  reason: "",
} as const;
const rejected = {
  execution_id: "x-1",
  status: "rejected",
  reason: "actions_disabled",
} as const;

Deno.test("ackExecution() takes an execution from pending to started", async () => {
  await using server = new TestServer(done);
  await nodeAt(server.url).uplink.ackExecution(accepted, never);
  assert.deepEqual(await callbacksOf(server.seen), [
    { status: "ack" },
    { status: "started" },
  ]);
});

Deno.test("ackExecution() brings a rejected execution to its end, with the reason", async () => {
  await using server = new TestServer(done);
  await nodeAt(server.url).uplink.ackExecution(rejected, never);
  assert.deepEqual(await callbacksOf(server.seen), [
    { status: "ack" },
    { status: "started" },
    { status: "failed", error: "actions_disabled" },
  ]);
});

Deno.test("ackExecution() goes on after an ack that was taken before", async () => {
  const answers = [problem(409), done()];
  await using server = new TestServer(() => answers.shift()!);
  await nodeAt(server.url).uplink.ackExecution(accepted, never);
  assert.equal(server.seen.length, 2);
});

for (const [status, kind] of [[403, "forbidden"], [409, "conflict"]] as const) {
  Deno.test(`ackExecution() stops driving after ${status}`, async () => {
    await using server = new TestServer(() => problem(status));
    const error = await failureFrom(
      nodeAt(server.url).uplink.ackExecution(accepted, never),
    );
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, kind);
  });
}

function resultOf(more: Partial<ExecutionResult> = {}): ExecutionResult {
  return {
    execution_id: "x-1",
    status: "success",
    exit_code: 0,
    stdout: "",
    stderr: "",
    duration: "1s",
    finished_at: "2026-03-01T12:00:00Z",
    ...more,
  };
}

const ends: [ExecutionStatus, Partial<ExecutionCallback2>][] = [
  ["success", { status: "succeeded" }],
  ["failed", { status: "failed" }],
  ["error", { status: "failed", error: "error" }],
  ["timeout", { status: "failed", error: "timeout" }],
  ["cancelled", { status: "cancelled" }],
];

for (const [status, body] of ends) {
  Deno.test(`reportResult() ends "${status}" as "${body.status}"`, async () => {
    await using server = new TestServer(done);
    const { uplink } = nodeAt(server.url);
    await uplink.reportResult(resultOf({ status, exit_code: 3 }), never);
    assert.deepEqual(await callbacksOf(server.seen), [
      { ...body, exit_code: 3 },
    ]);
  });
}

function textIn(callback: ExecutionCallback2 | undefined): string {
  const bytes = Uint8Array.fromBase64(callback?.output?.inline ?? "");
  return new TextDecoder().decode(bytes);
}

Deno.test("reportResult() sends up to 16 KiB of output within the call", async () => {
  await using server = new TestServer(done);
  const { uplink } = nodeAt(server.url);
  const stdout = "o".repeat(16 * 1024 - 1);
  await uplink.reportResult(resultOf({ stdout, stderr: "e" }), never);
  const [callback, ...others] = await callbacksOf(server.seen);
  assert.deepEqual(others, []);
  assert.equal(textIn(callback), `${stdout}e`);
});

const long = "o".repeat(16 * 1024) + "the end";
const sha256 = createHash("sha256").update(long).digest("hex");

/** Answers callbacks with `upload_url`, and uploads with `stored`. */
function storage(
  urlOf: (server: TestServer) => string | undefined,
  stored: () => Response = () => new Response(),
): TestServer {
  const server: TestServer = new TestServer((request) => {
    if (request.method === "PUT") return stored();
    const upload_url = urlOf(server);
    return Response.json(upload_url ? { upload_url, object_key: "o-1" } : {});
  });
  return server;
}

Deno.test("reportResult() uploads long output without the bearer, and names it", async () => {
  await using server = storage(({ url }) => `${url}/store/o-1?signature=s3`);
  const { uplink, log } = nodeAt(server.url);
  await uplink.reportResult(resultOf({ stdout: long }), never);
  assert.deepEqual(await callbacksOf(server.seen), [
    { status: "started", declared_output_bytes: long.length },
    {
      status: "succeeded",
      exit_code: 0,
      output: { object_key: "o-1", sha256 },
    },
  ]);
  const upload = server.seen[1];
  assert.equal(upload?.path, "/store/o-1?signature=s3");
  assert.equal(upload?.headers.get("authorization"), null);
  assert.equal(new TextDecoder().decode(upload?.body), long);
  assert.ok(!log.text.includes("s3"));
});

const nowhere: {
  what: string;
  url?: (server: TestServer) => string | undefined;
  stored?: () => Response;
}[] = [
  { what: "no address is given", url: () => undefined },
  { what: "the address is plain http elsewhere", url: () => "http://h.test/o" },
  { what: "the address is none", url: () => "o-1" },
  { what: "the address is a file", url: () => "file:///etc/passwd" },
  {
    what: "the address holds a password",
    url: ({ url }) => url.replace("//", "//user:s3@"),
  },
  {
    what: "nobody is there",
    url: () => "http://127.0.0.1:1/o-1?signature=s3",
  },
  { what: "it is refused", stored: () => problem(403) },
  {
    what: "it is redirected",
    stored: () =>
      new Response(null, { status: 307, headers: { location: "/other" } }),
  },
];

for (
  const { what, url = ({ url }: TestServer) => `${url}/o-1`, stored } of nowhere
) {
  Deno.test(`reportResult() sends the end of long output when ${what}`, async () => {
    await using server = storage(url, stored);
    const { uplink, log } = nodeAt(server.url);
    await uplink.reportResult(resultOf({ stdout: long }), never);
    const last = (await callbacksOf(server.seen)).at(-1);
    const text = textIn(last);
    assert.equal(new TextEncoder().encode(text).length, 16 * 1024);
    assert.match(text, /^\[plexd: the end of 16391 bytes; .*\]\no+the end$/);
    assert.ok(!server.seen.some(({ path }) => path === "/other"));
    assert.ok(!log.text.includes("s3"));
  });
}

Deno.test("reportResult() that is stopped during an upload tells nothing more", async () => {
  const stop = new AbortController();
  await using server = storage(({ url }) => `${url}/o-1`, () => {
    stop.abort(new Error("stopped"));
    return new Response();
  });
  const { uplink } = nodeAt(server.url);
  const result = resultOf({ stdout: long });
  const error = await failureFrom(uplink.reportResult(result, stop.signal));
  assert.equal((error as Error).message, "stopped");
  assert.equal((await callbacksOf(server.seen)).length, 1);
});
