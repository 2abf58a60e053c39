import assert from "node:assert/strict";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { vectors } from "../vectors/load.ts";
import { FakeSources } from "./fake_sources.ts";
import { type Address, call, dial, receive, write } from "./raw_http.ts";
import { httpSettings, startApi } from "./running_api.ts";

const target = "/v1/state/report/health";
const good = '{"content_type":"application/json","payload":{"a":1}}';
const bearer = { Authorization: "Bearer t0ken" };

for (const vector of vectors.local_api_put_report) {
  Deno.test(`PUT of a report agrees with vector "${vector.name}" on both sockets and on TCP`, async () => {
    const sources = new FakeSources();
    await using running = await startApi(
      sources,
      (folder) => httpSettings(folder, "t0ken"),
    );
    const { socket, secretsSocket, api } = running;
    const addresses: Address[] = [socket, secretsSocket, api.httpPort!];
    for (const address of addresses) {
      const key = decodeURIComponent(vector.key);
      await sources.reports.delete(key);
      if (vector.existing_version !== null) {
        sources.reports.add({
          key,
          contentType: "text/plain",
          payload: "0",
          version: vector.existing_version,
        });
      }
      const before = sources.reports.view;
      const answer = await call(address, `/v1/state/report/${vector.key}`, {
        method: "PUT",
        headers: {
          ...bearer,
          ...(vector.if_match === null ? {} : { "If-Match": vector.if_match }),
        },
        body: vector.body,
      });
      assert.equal(answer.status, vector.status, answer.body);
      if (vector.status === 200) {
        const stored = sources.reports.view.entries.get(key);
        assert.equal(stored?.version, vector.version);
        assert.equal(JSON.parse(answer.body).version, vector.version);
        assert.equal(JSON.parse(answer.body).key, key);
      } else {
        assert.deepEqual(JSON.parse(answer.body), { error: vector.error });
        assert.equal(sources.reports.view, before);
      }
    }
  });
}

Deno.test("PUT of a report keeps number text, member order and duplicates of its payload", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  const payload = '{"z":1.0,"a":1E+05,"n":12345678901234567890,"a":"\\u003c"}';
  const answer = await call(running.socket, target, {
    method: "PUT",
    body:
      ` {"payload":0, "\\u0070ayload" : ${payload} ,"content_type":"text/plain"} tail`,
  });
  const stored =
    `{"key":"health","content_type":"text/plain","payload":${payload},"version":1,"updated_at":"2026-03-01T12:00:00Z"}\n`;
  assert.equal(answer.body, stored);
  assert.equal((await call(running.socket, target)).body, stored);
});

const refusedBodies: readonly [
  when: string,
  body: string | Uint8Array,
  status: number,
  error: string,
][] = [
  ["of one byte too many", pad(1_048_577), 413, "body too large"],
  ["of the largest size", pad(1_048_576), 200, ""],
  [
    "that is no UTF-8",
    new Uint8Array([0x22, 0xff, 0x22]),
    400,
    "invalid JSON body",
  ],
  ["with a byte order mark", `\ufeff${good}`, 400, "invalid JSON body"],
  ["that is cut off", good.slice(0, -1), 400, "invalid JSON body"],
  ["that is a text", '"x"', 400, "invalid JSON body"],
  ["that is white space", " \n", 400, "invalid JSON body"],
  [
    "with an empty content type",
    '{"content_type":"","payload":1}',
    400,
    "content_type is required",
  ],
  [
    "with a null content type",
    '{"content_type":null,"payload":1}',
    400,
    "content_type is required",
  ],
  [
    "with a broken payload",
    '{"content_type":"a","payload":{]}',
    400,
    "invalid JSON body",
  ],
  ["of a million brackets", "[".repeat(1_000_000), 400, "invalid JSON body"],
];

function pad(size: number): string {
  const [head, tail] = ['{"content_type":"a","payload":"', '"}'];
  return head + "x".repeat(size - head.length - tail.length) + tail;
}

for (const [when, body, status, error] of refusedBodies) {
  Deno.test(`PUT of a report answers ${status} to a body ${when}`, async () => {
    const sources = new FakeSources();
    await using running = await startApi(sources);
    const answer = await call(running.socket, target, { method: "PUT", body });
    assert.equal(answer.status, status);
    if (error) assert.deepEqual(JSON.parse(answer.body), { error });
    assert.equal(sources.reports.view.entries.size, error ? 0 : 1);
    assert.equal((await call(running.socket, "/v1/state")).status, 200);
  });
}

Deno.test("PUT of a report answers 413 to a chunked body as soon as it is too large", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  using connection = await dial(running.socket);
  const encoder = new TextEncoder();
  const head =
    `PUT ${target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`;
  await write(connection, encoder.encode(head));
  const chunk = encoder.encode(`10000\r\n${"x".repeat(65_536)}\r\n`);
  const answer = receive(connection);
  for (let sent = 0; sent <= 16; sent++) {
    await write(connection, chunk).catch(() => {});
  }
  assert.equal((await answer)?.status, 413);
});

Deno.test("PUT of a report whose body breaks off changes nothing", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  const connection = await dial(running.socket);
  const head =
    `PUT ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${good}`;
  await write(connection, new TextEncoder().encode(head));
  connection.close();
  assert.equal((await call(running.socket, target)).status, 404);
  assert.equal(sources.reports.view.entries.size, 0);
});

const invalidKeys = [
  "%2e",
  "%2e%2e",
  "%2E.",
  "a%2Fb",
  "a%5Cb",
  "..%2f..%2f..%2fetc%2fpasswd",
  "a%00b",
  "%zz",
  "%",
  "%ff",
  "%ed%a0%80",
  "x".repeat(256),
  "%F0%9F%98%80".repeat(64),
];

Deno.test("every method on a report answers 400 to a key that no report can have", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  for (const key of invalidKeys) {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await call(running.socket, `/v1/state/report/${key}`, {
        method,
        ...(method === "PUT" ? { body: good } : {}),
      });
      assert.equal(answer.status, 400, `${method} ${key}`);
      assert.deepEqual(JSON.parse(answer.body), {
        error: "invalid report key",
      });
    }
  }
  assert.equal(sources.reports.view.entries.size, 0);
});

Deno.test("PUT of a report accepts awkward keys that are still keys", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  const keys = [
    ".tmp-x",
    "x".repeat(255),
    "😀",
    "a b",
    "100%",
    "...",
    "plexd",
    "__proto__",
  ];
  for (const key of keys) {
    const path = `/v1/state/report/${encodeURIComponent(key)}`;
    const put = await call(running.socket, path, { method: "PUT", body: good });
    assert.equal(put.status, 200, key);
    const get = await call(running.socket, path);
    assert.equal(JSON.parse(get.body).key, key);
    const deleted = await call(running.socket, path, { method: "DELETE" });
    assert.equal(deleted.status, 204);
  }
});

Deno.test("reports whose key starts with plexd. can be read, but not written or deleted", async () => {
  const sources = new FakeSources();
  const key = "plexd.health";
  sources.reports.add({
    key,
    contentType: "text/plain",
    payload: "1",
    version: 1,
  });
  await using running = await startApi(sources);
  const path = `/v1/state/report/${key}`;
  assert.equal((await call(running.socket, path)).status, 200);
  for (const method of ["PUT", "DELETE"]) {
    const answer = await call(running.socket, path, {
      method,
      ...(method === "PUT" ? { body: good } : {}),
    });
    assert.equal(answer.status, 400);
    assert.equal(answer.body, '{"error":"invalid report key"}\n');
  }
  assert.equal(sources.reports.view.entries.get(key)?.version, 1);
});

Deno.test("DELETE of a report answers 204 without a body, then 404, and the next PUT starts at version 1", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  const put = () => call(running.socket, target, { method: "PUT", body: good });
  await put();
  assert.equal(JSON.parse((await put()).body).version, 2);
  const deleted = await call(running.socket, target, {
    method: "DELETE",
    headers: { "If-Match": "nonsense" },
  });
  assert.equal(deleted.status, 204);
  assert.equal(deleted.body, "");
  const again = await call(running.socket, target, { method: "DELETE" });
  assert.equal(again.status, 404);
  assert.equal(JSON.parse((await put()).body).version, 1);
});

const conditions: readonly [
  field: string,
  value: string,
  exists: boolean,
  status: number,
  error: string,
][] = [
  ["If-None-Match", "*", false, 200, ""],
  ["If-None-Match", "*", true, 412, "already exists"],
  ["If-None-Match", 'W/"x"', true, 400, "If-None-Match must be *"],
  ["If-None-Match", "", true, 200, ""],
  [
    "If-Match",
    "99999999999999999999",
    true,
    400,
    "If-Match must be an integer",
  ],
  ["If-Match", "1 ", true, 200, ""],
  ["If-Match", "1,1", true, 400, "If-Match must be an integer"],
  ["If-Match", "0x1", true, 400, "If-Match must be an integer"],
  ["If-Match", "-0", false, 200, ""],
];

for (const [field, value, exists, status, error] of conditions) {
  Deno.test(`PUT of a report ${exists ? "that exists" : "that is new"} answers ${status} to ${field}: ${value}`, async () => {
    const sources = new FakeSources();
    if (exists) {
      const old = { contentType: "text/plain", payload: "0", version: 1 };
      sources.reports.add({ key: "health", ...old });
    }
    await using running = await startApi(sources);
    const before = sources.reports.view;
    const answer = await call(running.socket, target, {
      method: "PUT",
      headers: { [field]: value },
      body: good,
    });
    assert.equal(answer.status, status);
    if (!error) return;
    assert.deepEqual(JSON.parse(answer.body), { error });
    assert.equal(sources.reports.view, before);
  });
}

const storeFailures: readonly [error: Error, status: number, text: string][] = [
  [diskFailure("ENOSPC"), 507, "disk full"],
  [diskFailure("EROFS"), 500, "internal error"],
  [diskFailure("EIO"), 500, "internal error"],
  [new Error("surprise"), 500, "internal error"],
];

function diskFailure(code: string): StoreWriteError {
  return new StoreWriteError(
    "a report",
    Object.assign(new Error(code), { code }),
  );
}

for (const [error, status, text] of storeFailures) {
  Deno.test(`a report write that fails with "${error.message}" answers ${status}, and reads show the old value`, async () => {
    const sources = new FakeSources();
    await using running = await startApi(sources);
    await call(running.socket, target, { method: "PUT", body: good });
    const before = await call(running.socket, target);
    for (const method of ["PUT", "DELETE"]) {
      sources.reports.failures.push(error);
      const answer = await call(running.socket, target, {
        method,
        ...(method === "PUT" ? { body: good } : {}),
      });
      assert.equal(answer.status, status);
      assert.deepEqual(JSON.parse(answer.body), { error: text });
      assert.equal(running.log.lines.at(-1)?.level, "error");
      assert.equal((await call(running.socket, target)).body, before.body);
    }
  });
}
