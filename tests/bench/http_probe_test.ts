import assert from "node:assert/strict";
import {
  getRequest,
  parseAnswer,
  putRequest,
} from "../../scripts/bench/http_probe.ts";

Deno.test("parseAnswer() takes an answer apart and keeps the order of fields", () => {
  const text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" +
    'ETag: W/"a:b"\r\n\r\n{"a":1}\r\n\r\n';
  assert.deepEqual(parseAnswer(text), {
    status: 200,
    headers: [["content-type", "application/json"], ["etag", 'W/"a:b"']],
    body: '{"a":1}\r\n\r\n',
  });
});

Deno.test("putRequest() counts its body in bytes", () => {
  const request = putRequest("/v1/state/report/a", '"é"');
  assert.ok(request.includes("Content-Length: 4\r\n"));
  assert.ok(request.endsWith('\r\n\r\n"é"'));
});

Deno.test("getRequest() carries a bearer only where there is one", () => {
  assert.equal(getRequest("/a"), "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.equal(
    getRequest("/a", "word"),
    "GET /a HTTP/1.1\r\nHost: localhost\r\n" +
      "Authorization: Bearer word\r\n\r\n",
  );
});
