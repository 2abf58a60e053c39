import assert from "node:assert/strict";
import { call, dial, receive, write } from "./raw_http.ts";
import { httpSettings, type RunningApi, startApi } from "./running_api.ts";

const bearer = { Authorization: "Bearer t0ken" };

function startWithHttp(hosts: readonly string[] = []): Promise<RunningApi> {
  return startApi(
    undefined,
    (folder) => httpSettings(folder, "t0ken", { hosts }),
  );
}

const socketHosts: readonly [host: string | null, status: number][] = [
  ["localhost", 200],
  ["plexd", 200],
  ["evil.example:80", 200],
  ["[::1]:9", 200],
  ["%2Fvar%2Frun%2Fapi.sock", 200],
  [null, 200],
  ["", 200],
  ["localhost/v1/state/metadata?", 400],
  ["a/b?c#d", 400],
  ["user@host", 400],
  ["a b", 400],
  ["a,b", 400],
  ["a:b", 400],
  ["a:123456", 400],
  ["[::1", 400],
  ["%zz", 400],
  ["ho\u00e9st", 400],
  ["x".repeat(600), 400],
];

Deno.test("a socket answers to any well-formed Host, and 400 to one that would be taken for a path", async () => {
  await using running = await startApi();
  for (const [host, status] of socketHosts) {
    const answer = await call(running.socket, "/v1/state", { host });
    assert.equal(answer.status, status, String(host));
    // The same once more: the last good name is remembered.
    const again = await call(running.socket, "/v1/state", { host });
    assert.equal(again.status, status, String(host));
  }
});

const targets: readonly [target: string, status: number][] = [
  ["http://localhost/v1/state", 200],
  ["http://localhost.evil/v1/state", 400],
  ["http://evil/v1/state", 400],
  ["http://localhost", 404],
];

Deno.test("a target that names another host than the Host field is refused", async () => {
  await using running = await startApi();
  for (const [target, status] of targets) {
    const answer = await call(running.socket, target);
    assert.equal(answer.status, status, target);
  }
});

Deno.test("two Host fields are refused", async () => {
  await using running = await startWithHttp();
  for (const address of [running.socket, running.api.httpPort!]) {
    using connection = await dial(address);
    const text =
      "GET /v1/state HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nAuthorization: Bearer t0ken\r\n\r\n";
    await write(connection, new TextEncoder().encode(text));
    assert.equal((await receive(connection))?.status, 400);
  }
});

const tcpHosts: readonly [host: string | null, status: number][] = [
  ["localhost", 200],
  ["LOCALHOST:9100", 200],
  ["127.0.0.1:1", 200],
  ["127.9.9.9", 200],
  ["[::1]", 200],
  ["node.example", 200],
  ["Node.Example:80", 200],
  ["other.example:8080", 200],
  ["other.example", 421],
  ["other.example:8081", 421],
  ["evil.example", 421],
  ["localhost.evil.example", 421],
  ["127.0.0.1.evil.example", 421],
  ["10.0.0.1", 421],
  ["a/b", 400],
  ["", 400],
  [null, 400],
];

Deno.test("TCP answers to loopback names and to the hosts it was told of, 421 to others, 400 to none", async () => {
  await using running = await startWithHttp([
    "node.example",
    "other.example:8080",
  ]);
  for (const [host, status] of tcpHosts) {
    const answer = await call(running.api.httpPort!, "/v1/state", {
      host,
      headers: bearer,
    });
    assert.equal(answer.status, status, String(host));
  }
});

Deno.test("TCP refuses a foreign Origin, even with the bearer", async () => {
  await using running = await startWithHttp(["ui.example"]);
  const origins: readonly [origin: string, status: number][] = [
    ["http://localhost", 200],
    ["https://ui.example", 200],
    ["https://ui.example:444", 200],
    ["http://localhost:3000", 403],
    ["http://evil.example", 403],
    ["null", 403],
    ["", 403],
  ];
  for (const [origin, status] of origins) {
    const answer = await call(running.api.httpPort!, "/v1/state", {
      headers: { ...bearer, Origin: origin },
    });
    assert.equal(answer.status, status, origin);
  }
});

const authorizations: readonly [value: string | undefined, status: number][] = [
  ["Bearer t0ken", 200],
  ["bearer t0ken", 200],
  ["BEARER t0ken", 200],
  [undefined, 401],
  ["", 401],
  ["Bearer", 401],
  ["Bearer ", 401],
  ["Bearer  t0ken", 401],
  ["Bearer t0ke", 401],
  ["Bearer t0kenn", 401],
  ["Bearer T0KEN", 401],
  ["Basic t0ken", 401],
  ["t0ken", 401],
];

Deno.test("TCP answers 401 without the bearer, to unknown paths too", async () => {
  await using running = await startWithHttp();
  for (const [value, status] of authorizations) {
    for (const target of ["/v1/state", "/nowhere"]) {
      const answer = await call(running.api.httpPort!, target, {
        headers: value === undefined ? {} : { Authorization: value },
      });
      const expected = status === 200 && target === "/nowhere" ? 404 : status;
      assert.equal(answer.status, expected, `${value} ${target}`);
      if (expected === 401) {
        assert.equal(answer.body, '{"error":"unauthorized"}\n');
        assert.equal(answer.headers.has("www-authenticate"), false);
      }
    }
  }
  assert.ok(!running.log.text.includes("t0ken"));
});

Deno.test("sockets ask for no bearer", async () => {
  await using running = await startWithHttp();
  assert.equal((await call(running.socket, "/v1/state")).status, 200);
  assert.equal((await call(running.secretsSocket, "/v1/state")).status, 200);
});
