import assert from "node:assert/strict";
import { Representation } from "../../src/node_api/representation.ts";
import { streamedBody } from "../../src/node_api/streamed_body.ts";
import { FakeSources } from "./fake_sources.ts";
import { call } from "./raw_http.ts";
import { startApi } from "./running_api.ts";

Deno.test("streamedBody() hands over what its reader takes, and all of it", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const all = new Uint8Array([...bytes, ...bytes, ...bytes]);
  const reader = streamedBody(all).getReader();
  const parts: number[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    assert.ok(value.length <= 64 * 1_024);
    parts.push(...value);
  }
  assert.deepEqual(new Uint8Array(parts), all);
});

Deno.test("a large read has the length, tag and bytes of a small one, and no copy of its own", async () => {
  const sources = new FakeSources();
  await using api = await startApi(sources);
  const payload = "ä".repeat(400_000);
  const body = JSON.stringify({ content_type: "text/plain", payload });
  const path = "/v1/state/report/large";
  const put = await call(api.socket, path, { method: "PUT", body });
  assert.equal(put.status, 200, put.body);
  const read = await call(api.socket, path);
  assert.equal(read.status, 200);
  assert.equal(JSON.parse(read.body).payload, payload);
  const tag = read.headers.get("etag")!;
  const again = await call(api.socket, path, {
    headers: { "If-None-Match": tag },
  });
  assert.equal(again.status, 304);
  const head = await call(api.socket, path, { method: "HEAD" });
  assert.equal(head.headers.get("etag"), tag);
  assert.equal(
    head.headers.get("content-length"),
    String(new TextEncoder().encode(read.body).length),
  );
});

Deno.test("a large answer to a reader that takes nothing is no second copy", async () => {
  const large = new Representation(JSON.stringify("x".repeat(2 ** 20)));
  const answer = large.answer({}, null);
  const reader = answer.body!.getReader();
  const { value } = await reader.read();
  assert.ok(value!.length <= 64 * 1_024);
  await reader.cancel();
});
