import assert from "node:assert/strict";
import {
  ControlClient,
  type ControlClientOptions,
} from "../../src/uplink/control_client.ts";
import { ControlError, failureOf } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { VECTORS_NOW_MS } from "../vectors/load.ts";
import { nodeOf } from "./node_of.ts";
import {
  CountedAbort,
  failureFrom,
  RawServer,
  TestServer,
  until,
} from "./serve.ts";

const never = new AbortController().signal;
const TOKEN = "hunter2-hunter2-hunter2";

function fixture(url: string, options: Partial<ControlClientOptions> = {}) {
  const clock = new FakeClock(VECTORS_NOW_MS);
  const log = new MemoryLog();
  const client = new ControlClient({
    baseUrl: url,
    version: "1",
    clock,
    log,
    ...options,
  });
  client.setAuthToken(TOKEN);
  return { client, clock, log };
}

async function controlErrorFrom(work: Promise<unknown>): Promise<ControlError> {
  const error = await failureFrom(work);
  assert.ok(error instanceof ControlError, Deno.inspect(error));
  return error;
}

for (
  const status of [
    300,
    304,
    400,
    401,
    403,
    404,
    409,
    413,
    418,
    429,
    500,
    503,
    599,
  ]
) {
  Deno.test(`ControlClient turns status ${status} into its kind and keeps the server's text`, async () => {
    const body = status === 304 ? null : "because";
    await using server = new TestServer(() => new Response(body, { status }));
    const error = await controlErrorFrom(
      fixture(server.url).client.ping(never),
    );
    assert.equal(error.kind, failureOf(status));
    assert.equal(error.status, status);
    assert.equal(error.serverText, body ?? undefined);
    assert.equal(error.retryAfterMs, undefined);
  });
}

for (const status of [200, 201, 202, 299]) {
  Deno.test(`ControlClient takes status ${status} for success`, async () => {
    await using server = new TestServer(() => new Response("{}", { status }));
    await fixture(server.url).client.ping(never);
  });
}

const waits = [
  { status: 429, header: "7", ms: 7_000 },
  { status: 503, header: "Sun, 01 Mar 2026 12:02:00 GMT", ms: 120_000 },
  { status: 429, header: "soon", ms: undefined },
  { status: 500, header: "7", ms: undefined },
  { status: 301, header: "7", ms: undefined },
];
for (const { status, header, ms } of waits) {
  Deno.test(`ControlClient reads from Retry-After "${header}" on ${status}: ${ms} ms`, async () => {
    const headers = { "retry-after": header };
    await using server = new TestServer(() =>
      new Response("", { status, headers })
    );
    const error = await controlErrorFrom(
      fixture(server.url).client.ping(never),
    );
    assert.equal(error.retryAfterMs, ms);
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  Deno.test(`ControlClient does not follow a redirect with ${status}, nor send the token on`, async () => {
    await using other = new TestServer(() => new Response("{}"));
    const headers = { location: `${other.url}/v1/ping?${TOKEN}` };
    await using server = new TestServer(() =>
      new Response("", { status, headers })
    );
    const { client } = fixture(server.url);
    const error = await controlErrorFrom(client.postJson("/v1/x", "{}", never));
    assert.equal(error.kind, "unexpected_status");
    assert.equal(
      error.message,
      `POST /v1/x was answered with status ${status} ` +
        `(a redirect to ${other.url}, which is not followed)`,
    );
    assert.equal(other.seen.length, 0);
  });
}

Deno.test("ControlClient tells of a redirect that leads nowhere, and of none on other answers", async () => {
  for (
    const { status, location, told } of [
      {
        status: 302,
        location: "/login",
        told: " (a redirect, which is not followed)",
      },
      {
        status: 302,
        location: "javascript:alert(1)",
        told: " (a redirect, which is not followed)",
      },
      { status: 503, location: "/login", told: "" },
    ]
  ) {
    await using server = new TestServer(() =>
      new Response("", { status, headers: { location } })
    );
    const error = await controlErrorFrom(
      fixture(server.url).client.getJson("/v1/x", never),
    );
    assert.equal(
      error.message,
      `GET /v1/x was answered with status ${status}${told}`,
    );
  }
});

Deno.test("ControlClient.ping() has its answer, also when the body breaks off at once", async () => {
  const { client } = fixture("http://127.0.0.1:1", {
    transport: {
      insecure: false,
      // No server can be made to do so at the right moment.
      send: () =>
        Promise.resolve(
          new Response(
            new ReadableStream({
              start: (controller) => controller.error(new Error("reset")),
            }),
            { status: 202 },
          ),
        ),
      close() {},
    },
  });
  assert.equal(await client.ping(never), 202);
});

Deno.test("ControlClient.ping() takes no longer than the connect time-out, nor reads the answer", async () => {
  await using mute = new RawServer("", true);
  const { client, clock } = fixture(mute.url);
  const work = controlErrorFrom(client.ping(never));
  await until("the call runs", () => clock.sleeping.length === 1);
  await clock.advance(10_000);
  assert.equal((await work).kind, "timeout");
  await using server = new TestServer(endless);
  const other = fixture(server.url);
  assert.equal(await other.client.ping(never), 200);
  assert.deepEqual(other.clock.sleeping, []);
});

Deno.test("ControlClient never shows its token, even when the server quotes it", async () => {
  const quotes = [
    `bad token ${TOKEN}`,
    "x".repeat(4_090) + TOKEN,
    TOKEN.repeat(500),
    "x".repeat(4_096 - 4) + TOKEN,
  ];
  for (const quote of quotes) {
    await using server = new TestServer(() =>
      new Response(quote, { status: 401, headers: { "x-echo": TOKEN } })
    );
    const { client, log } = fixture(server.url);
    const error = await controlErrorFrom(client.ping(never));
    const request = { token: TOKEN, public_key: "k", hostname: "h" };
    const other = await controlErrorFrom(
      client.register(TOKEN, request, never),
    );
    for (const shown of [Deno.inspect(error), Deno.inspect(other), log.text]) {
      assert.doesNotMatch(shown, /hunt/);
    }
  }
});

Deno.test("ControlClient keeps at most 4096 bytes of an error body, and reads no more of it", async () => {
  let cancelled = false;
  await using server = new TestServer(() =>
    new Response(
      new ReadableStream({
        pull: (controller) =>
          controller.enqueue(new Uint8Array(1_000).fill(65)),
        cancel: () => void (cancelled = true),
      }),
      { status: 500 },
    )
  );
  const error = await controlErrorFrom(fixture(server.url).client.ping(never));
  assert.equal(error.serverText, "A".repeat(4_096));
  await until("the server's stream is cancelled", () => cancelled);
});

function endless(): Response {
  const chunk = new TextEncoder().encode('"x",'.repeat(1_000));
  return new Response(
    new ReadableStream({
      pull: (controller) => controller.enqueue(chunk),
    }),
  );
}

async function gzipBomb(encoding: string): Promise<Response> {
  const zeros = new Blob([new Uint8Array(4_000_000)]).stream();
  const packed = zeros.pipeThrough(new CompressionStream("gzip"));
  const headers = { "content-encoding": encoding };
  return new Response(await new Response(packed).arrayBuffer(), { headers });
}

const floods = [
  { what: "an endless body", answer: () => Promise.resolve(endless()) },
  { what: "a gzip bomb", answer: () => gzipBomb("gzip") },
  { what: "a gzip bomb by another spelling", answer: () => gzipBomb("GZIP") },
  {
    what: "a body one byte over the limit",
    answer: () => Promise.resolve(new Response("1".repeat(1_000_001))),
  },
];
for (const { what, answer } of floods) {
  Deno.test(`ControlClient stops reading ${what} and calls it a bad answer`, async () => {
    await using server = new TestServer(answer);
    const { client } = fixture(server.url, { maxAnswerBytes: 1_000_000 });
    const error = await controlErrorFrom(client.getJson("/v1/x", never));
    assert.equal(error.kind, "bad_answer");
    assert.match(error.message, /longer than 1000000 bytes/);
  });
}

for (
  const { what, status, kind } of [
    { what: "401", status: "401 Unauthorized", kind: "unauthorized" },
    { what: "503", status: "503 Unavailable", kind: "server" },
  ]
) {
  Deno.test(`ControlClient tells of a ${what} whose text does not come to its end`, async () => {
    await using server = new RawServer(
      `HTTP/1.1 ${status}\r\ncontent-length: 100\r\nretry-after: 7\r\n\r\nbecause`,
      true,
    );
    const { client, clock } = fixture(server.url);
    const work = controlErrorFrom(client.getJson("/v1/x", never));
    await until("the text is waited for", () => clock.sleeping.length === 2);
    await clock.advance(2_000);
    const error = await work;
    assert.equal(error.kind, kind);
    assert.equal(error.serverText, "because");
    assert.equal(error.retryAfterMs, what === "503" ? 7_000 : undefined);
    assert.deepEqual(clock.sleeping, []);
    await until("the connection is let go of", () => server.left === 1);
  });
}

Deno.test("ControlClient ends with the caller's reason while the text of a refusal comes", async () => {
  const answer = "HTTP/1.1 500 x\r\ncontent-length: 100\r\n\r\nbecause";
  await using server = new RawServer(answer, true);
  const { client, clock } = fixture(server.url);
  const stop = new AbortController();
  const work = failureFrom(client.getJson("/v1/x", stop.signal));
  await until("the text is waited for", () => clock.sleeping.length === 2);
  const reason = new Error("enough");
  stop.abort(reason);
  assert.equal(await work, reason);
  assert.deepEqual(clock.sleeping, []);
  await until("the connection is let go of", () => server.left === 1);
});

Deno.test("ControlClient keeps little of an error body that is a gzip bomb", async () => {
  await using server = new TestServer(async () => {
    const { body, headers } = await gzipBomb("gzip");
    return new Response(body, { headers, status: 500 });
  });
  const error = await controlErrorFrom(fixture(server.url).client.ping(never));
  assert.equal(error.status, 500);
  assert.ok((error.serverText ?? "").length <= 4_096);
});

Deno.test("ControlClient takes a body of exactly the limit", async () => {
  await using server = new TestServer(() => new Response("1".repeat(300)));
  const { client } = fixture(server.url, { maxAnswerBytes: 300 });
  await client.getJson("/v1/x", never);
});

for (const encoding of ["gzip", "GZIP", "Gzip"]) {
  Deno.test(`ControlClient decodes an answer with encoding ${encoding}`, async () => {
    const packed = new Blob(['{"a":1}']).stream()
      .pipeThrough(new CompressionStream("gzip"));
    const bytes = await new Response(packed).arrayBuffer();
    const headers = { "content-encoding": encoding };
    await using server = new TestServer(() => new Response(bytes, { headers }));
    const answer = await fixture(server.url).client.getJson("/v1/x", never);
    assert.deepEqual(answer?.value, { a: 1 });
  });
}

const broken = [
  { what: "hangs up at once", answer: "" },
  { what: "speaks no HTTP", answer: "SSH-2.0-OpenSSH\r\n" },
  {
    what: "cuts the body short",
    answer: "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
  },
  {
    what: "sends broken gzip",
    answer: "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n" +
      "content-length: 5\r\n\r\nhello",
  },
];
for (const { what, answer } of broken) {
  Deno.test(`ControlClient calls a server that ${what} unreachable`, async () => {
    await using server = new RawServer(answer);
    const { client } = fixture(server.url);
    const error = await controlErrorFrom(client.getJson("/v1/x", never));
    assert.equal(error.kind, "unreachable");
  });
}

Deno.test("ControlClient calls a port where nobody listens unreachable", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const { client } = fixture(`http://127.0.0.1:${port}`);
  const error = await controlErrorFrom(client.ping(never));
  assert.equal(error.kind, "unreachable");
  assert.equal(error.status, undefined);
});

const head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n";
const stalls = [
  { what: "nothing", sent: "" },
  { what: "half a header", sent: head },
  { what: "half a body", sent: head + "\r\n{" },
];
for (const { what, sent } of stalls) {
  Deno.test(`ControlClient gives up a call after its time-out when ${what} has come`, async () => {
    await using server = new RawServer(sent, true);
    const { client, clock } = fixture(server.url, { requestTimeoutMs: 5_000 });
    const work = controlErrorFrom(client.getJson("/v1/x", never));
    await until("the call runs", () => clock.sleeping.length === 1);
    await clock.advance(4_999);
    assert.deepEqual(clock.sleeping, [1]);
    await clock.advance(1);
    assert.equal((await work).kind, "timeout");
    assert.deepEqual(clock.sleeping, []);
    await until("the connection is let go of", () => server.left === 1);
  });

  Deno.test(`ControlClient ends a call with the caller's reason when ${what} has come`, async () => {
    await using server = new RawServer(sent, true);
    const { client, clock } = fixture(server.url);
    const stop = new AbortController();
    const work = failureFrom(client.getJson("/v1/x", stop.signal));
    await until("the call runs", () => clock.sleeping.length === 1);
    const reason = new Error("enough");
    stop.abort(reason);
    assert.equal(await work, reason);
    assert.deepEqual(clock.sleeping, []);
    await until("the connection is let go of", () => server.left === 1);
  });
}

Deno.test("ControlClient makes no call for a signal that has already aborted", async () => {
  await using server = new TestServer(() => new Response("{}"));
  const reason = new Error("enough");
  const { client } = fixture(server.url);
  assert.equal(
    await failureFrom(client.ping(AbortSignal.abort(reason))),
    reason,
  );
  assert.equal(server.seen.length, 0);
});

const idHeaders = [
  { id: undefined, sent: null },
  { id: "", sent: null },
  { id: "42", sent: "42" },
  { id: "é😀", sent: "é😀" },
  { id: "a\nb", sent: null },
  { id: "a\x01", sent: null },
  { id: " a", sent: null },
  { id: "x".repeat(4_096), sent: "x".repeat(4_096) },
  { id: "x".repeat(4_097), sent: null },
];
for (const { id, sent } of idHeaders) {
  const shown = JSON.stringify(id)?.slice(0, 20);
  Deno.test(`openEvents() sends id ${shown} (${id?.length}) as a header a server can read`, async () => {
    const headers = { "content-type": "Text/Event-Stream; charset=utf-8" };
    await using server = new TestServer(() => new Response(":\n", { headers }));
    const { client } = fixture(server.url);
    const body = await nodeOf(client, TOKEN).openEvents(id, never);
    await body.cancel();
    const got = server.seen[0]!.headers;
    assert.equal(server.seen[0]?.path, "/v1/nodes/n/events");
    assert.equal(got.get("accept"), "text/event-stream");
    assert.equal(got.get("accept-encoding"), "identity");
    assert.equal(got.get("cache-control"), "no-cache");
    assert.equal(got.get("authorization"), `Bearer ${TOKEN}`);
    const header = got.get("last-event-id");
    assert.equal(header === null ? null : utf8(header), sent);
  });
}

/** Header text is bytes, one per character. */
function utf8(header: string): string {
  const bytes = Uint8Array.from(header, (char) => char.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

Deno.test("openEvents() calls an HTML page a bad answer, and reads none of it", async () => {
  const headers = { "content-type": "text/html" };
  await using server = new TestServer(() => {
    const { body } = endless();
    return new Response(body, { headers });
  });
  const { client } = fixture(server.url);
  const error = await controlErrorFrom(
    nodeOf(client, TOKEN).openEvents("1", never),
  );
  assert.equal(error.kind, "bad_answer");
});

const noStreams = [
  { type: "application/json; charset=utf-8", says: "200 and application/json" },
  { type: "x".repeat(5_000), says: `200 and ${"x".repeat(100)}` },
  { status: 204, says: "204 and no media type" },
];
for (const { type, status = 200, says } of noStreams) {
  Deno.test(`openEvents() says what came in place of a stream: status ${says.slice(0, 40)}`, async () => {
    await using server = new TestServer(() =>
      new Response(status === 204 ? null : new Uint8Array(0), {
        status,
        ...(type === undefined ? {} : { headers: { "content-type": type } }),
      })
    );
    const { client } = fixture(server.url);
    const error = await controlErrorFrom(
      nodeOf(client, TOKEN).openEvents("1", never),
    );
    assert.equal(error.kind, "bad_answer");
    assert.equal(
      error.message,
      `GET /v1/nodes/{node_id}/events was answered with status ${says}, ` +
        "not with a stream of text/event-stream",
    );
  });
}

Deno.test("openEvents() gives up when no answer begins within the connect time-out", async () => {
  await using server = new RawServer("", true);
  const { client, clock } = fixture(server.url);
  const work = controlErrorFrom(nodeOf(client, TOKEN).openEvents("1", never));
  await until("the call runs", () => clock.sleeping.length === 1);
  await clock.advance(10_000);
  assert.equal((await work).kind, "timeout");
});

Deno.test("openEvents() gives a stream without a total time-out, which its signal ends", async () => {
  let enqueue = (_text: string) => {};
  let cancelled = false;
  await using server = new TestServer(() =>
    new Response(
      new ReadableStream({
        start: (controller) =>
          enqueue = (text) =>
            controller.enqueue(new TextEncoder().encode(text)),
        cancel: () => void (cancelled = true),
      }),
      { headers: { "content-type": "text/event-stream" } },
    )
  );
  const { client, clock } = fixture(server.url);
  const stop = new AbortController();
  const opening = nodeOf(client, TOKEN).openEvents("1", stop.signal);
  await until("the server has the request", () => server.seen.length === 1);
  enqueue("one");
  const reader = (await opening).getReader();
  assert.deepEqual(
    (await reader.read()).value,
    new TextEncoder().encode("one"),
  );
  await clock.advance(24 * 3_600_000);
  enqueue("two");
  assert.deepEqual(
    (await reader.read()).value,
    new TextEncoder().encode("two"),
  );
  const reason = new Error("enough");
  stop.abort(reason);
  assert.equal(await failureFrom(reader.read()), reason);
  await until("the server's stream is cancelled", () => cancelled);
});

Deno.test("ControlClient leaves no listener on the caller's signal", async () => {
  await using server = new TestServer(({ path }) =>
    new Response("{}", { status: path.includes("ping") ? 500 : 200 })
  );
  const { client } = fixture(server.url);
  const stop = new CountedAbort();
  await client.getJson("/v1/x", stop.signal);
  await controlErrorFrom(client.ping(stop.signal));
  assert.equal(server.seen.length, 2);
  assert.equal(stop.listeners, 0);
});
