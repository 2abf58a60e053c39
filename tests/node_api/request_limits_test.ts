import assert from "node:assert/strict";
import { BODY_TIMEOUT_MS } from "../../src/node_api/guard/limits.ts";
import { eventually } from "../scenarios/eventually.ts";
import { FakeSources } from "./fake_sources.ts";
import { call, dial, receive, send, write } from "./raw_http.ts";
import { startApi } from "./running_api.ts";

const encoder = new TextEncoder();
const drip = "PUT /v1/state/report/k HTTP/1.1\r\nHost: localhost\r\n" +
  "Content-Length: 40\r\n\r\n{";

Deno.test("a path beyond any sense is answered 414, a long key 400", async () => {
  await using api = await startApi();
  const status = async (target: string) =>
    (await call(api.socket, target)).status;
  assert.equal(await status(`/v1/state/report/${"a".repeat(255)}`), 404);
  assert.equal(await status(`/v1/state/report/${"a".repeat(256)}`), 400);
  assert.equal(await status(`/v1/state/report/${"a".repeat(6_000)}`), 414);
  assert.equal(await status(`/v1/state?${"a".repeat(6_000)}`), 414);
});

Deno.test("a body that drips into a socket is answered 408 in the end", async () => {
  await using api = await startApi();
  using connection = await dial(api.socket);
  await write(connection, encoder.encode(drip));
  const answer = receive(connection);
  await eventually(
    "a body that is waited for",
    () => api.clock.sleeping.includes(BODY_TIMEOUT_MS) || undefined,
  );
  await api.clock.advance(BODY_TIMEOUT_MS - 1_000);
  await write(connection, encoder.encode('"'));
  await api.clock.advance(1_000);
  const { status, body, headers } = (await answer)!;
  assert.equal(status, 408);
  assert.equal(body, '{"error":"request body took too long"}\n');
  assert.equal(headers.get("connection"), "close");
});

Deno.test("when all places are taken by requests that wait, writes get 503 and reads are served", async () => {
  const sources = new FakeSources();
  await using api = await startApi(sources, () => ({ maxConnections: 2 }));
  const waiting: Deno.Conn[] = [];
  const body = '{"content_type":"a","payload":1}';
  const put = async () =>
    (await call(api.socket, "/v1/state/report/r", { method: "PUT", body }))
      .status;
  try {
    assert.equal(await put(), 200);
    for (let place = 0; place < 2; place++) {
      const connection = await dial(api.socket);
      waiting.push(connection);
      await write(connection, encoder.encode(drip));
    }
    await eventually(
      "all places taken",
      async () => await put() === 503 || undefined,
    );
    assert.equal((await call(api.socket, "/v1/state/report/r")).status, 200);
    const secret = await call(api.secretsSocket, "/v1/state/secrets/s");
    assert.equal(secret.status, 503);
    assert.equal(secret.headers.get("retry-after"), "1");
    const { body: status } = await call(api.socket, "/v1/status");
    const [own, ofSecrets] = JSON.parse(status).listeners;
    assert.ok(own.refused.busy > 0);
    assert.deepEqual(ofSecrets.refused, { busy: 1 });
  } finally {
    for (const connection of waiting) connection.close();
  }
  await eventually("free places", async () => await put() === 200 || undefined);
});

const targets = ["//v1/state", "/v1//state", "/v1/%2e%2e/state", "/v1/./state"];

Deno.test("a path is taken as it is: nothing is normalised", async () => {
  await using api = await startApi();
  for (const target of targets) {
    assert.equal((await call(api.socket, target)).status, 404, target);
  }
  using connection = await dial(api.socket);
  await send(connection, "/v1/state", { host: "a/v1/state?" });
  assert.equal((await receive(connection))?.status, 400);
});
