import assert from "node:assert/strict";
import {
  dataEntry,
  FakeSources,
  sampleEvents,
  sampleStatus,
} from "./fake_sources.ts";
import { call } from "./raw_http.ts";
import { startApi } from "./running_api.ts";

/** A state whose lists are out of order and whose texts are awkward. */
function filled(): FakeSources {
  const sources = new FakeSources();
  sources.state.view = {
    metadata: new Map([["region", "eu"], ["1", "<&>"], ["__proto__", "x"]]),
    data: new Map([
      ["b", dataEntry("b", { payload: '{ "z":1.0, "a":1E+05 }', version: 7 })],
      ["a/é", dataEntry("a/é", { contentType: "text/plain", payload: '"x"' })],
      ["..", dataEntry("..")],
    ]),
    secretRefs: [{ key: "zebra", version: 2 }, { key: "ant", version: 1 }],
  };
  sources.reports.add({
    key: "health",
    contentType: "application/json",
    payload: '{"n":12345678901234567890}',
    version: 3,
  });
  sources.reports.add({
    key: "disk",
    contentType: "text/plain",
    payload: "null",
    version: 1,
  });
  return sources;
}

const updated = '"updated_at":"2026-03-01T12:00:00Z"';
const metadata = '{"1":"<&>","__proto__":"x","region":"eu"}';
const dataKeys =
  '[{"key":"..","version":1,"content_type":"application/json"},' +
  '{"key":"a/é","version":1,"content_type":"text/plain"},' +
  '{"key":"b","version":7,"content_type":"application/json"}]';
const secretKeys = '[{"key":"ant","version":1},{"key":"zebra","version":2}]';
const reportKeys = '[{"key":"disk","version":1},{"key":"health","version":3}]';

const reads: readonly [target: string, body: string][] = [
  [
    "/v1/state",
    `{"metadata":${metadata},"data_keys":${dataKeys},"secret_keys":${secretKeys},"report_keys":${reportKeys}}`,
  ],
  ["/v1/state?anything=1", "same as without"],
  ["/v1/state/metadata", metadata],
  ["/v1/state/metadata/region", '{"key":"region","value":"eu"}'],
  ["/v1/state/metadata/__proto__", '{"key":"__proto__","value":"x"}'],
  ["/v1/state/data", dataKeys],
  [
    "/v1/state/data/b",
    `{"key":"b","content_type":"application/json","payload":{ "z":1.0, "a":1E+05 },"version":7,${updated}}`,
  ],
  [
    "/v1/state/data/a%2F%C3%A9",
    `{"key":"a/é","content_type":"text/plain","payload":"x","version":1,${updated}}`,
  ],
  [
    "/v1/state/data/%2e%2e",
    `{"key":"..","content_type":"application/json","payload":{},"version":1,${updated}}`,
  ],
  ["/v1/state/secrets", secretKeys],
  ["/v1/state/report", reportKeys],
  [
    "/v1/state/report/health",
    `{"key":"health","content_type":"application/json","payload":{"n":12345678901234567890},"version":3,${updated}}`,
  ],
  ["/v1/status", JSON.stringify(sampleStatus)],
  ["/v1/events", JSON.stringify(sampleEvents)],
];

Deno.test("NodeApi answers each read with one document and a newline, keys sorted, payloads untouched", async () => {
  await using running = await startApi(filled());
  for (const socket of [running.socket, running.secretsSocket]) {
    for (const [target, body] of reads) {
      const answer = await call(socket, target);
      assert.equal(answer.status, 200, target);
      assert.equal(answer.headers.get("content-type"), "application/json");
      const expected = target.includes("?") ? reads[0]![1] : body;
      assert.equal(answer.body, `${expected}\n`, target);
    }
  }
});

Deno.test("NodeApi answers an empty node with empty lists and an empty object, never null", async () => {
  await using running = await startApi();
  const bodies: readonly [string, string][] = [
    [
      "/v1/state",
      '{"metadata":{},"data_keys":[],"secret_keys":[],"report_keys":[]}',
    ],
    ["/v1/state/metadata", "{}"],
    ["/v1/state/data", "[]"],
    ["/v1/state/secrets", "[]"],
    ["/v1/state/report", "[]"],
  ];
  for (const [target, body] of bodies) {
    assert.equal((await call(running.socket, target)).body, `${body}\n`);
  }
});

Deno.test("NodeApi answers HEAD as GET without the body, wherever GET is", async () => {
  await using running = await startApi(filled());
  for (const [target] of reads) {
    const get = await call(running.socket, target);
    const head = await call(running.socket, target, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body, "");
    for (const name of ["content-length", "content-type", "etag"]) {
      assert.equal(head.headers.get(name), get.headers.get(name), name);
    }
  }
});

const unknown = [
  "/",
  "/v1",
  "/v2/state",
  "/v1/state/",
  "/v1//state",
  "//v1/state",
  "/v1/state/metadata/",
  "/v1/state/metadata/missing",
  "/v1/state/metadata/region/",
  "/v1/state/metadata/a/b",
  "/v1/state/metadata/%zz",
  "/v1/state/metadata/%ff",
  "/v1/state/data/missing",
  "/v1/state/data/.",
  "/v1/state/data/..",
  "/v1/state/data/../data",
  "/v1/state/./data",
  "/v1/state/metadata/../data",
  "/v1/state/data/b/",
  "/v1/state/report/",
  "/v1/state/report/.",
  "/v1/state/report/..",
  "/v1/state/report/missing",
  "/v1/state/constructor",
  "/v1/state/data/toString",
  "/V1/state",
  "/v1%2fstate",
  "/v1/status/",
];

Deno.test("NodeApi answers 404, and never a redirect, for a path that is not exactly a route or a key", async () => {
  await using running = await startApi(filled());
  for (const target of unknown) {
    const answer = await call(running.socket, target);
    assert.equal(answer.status, 404, target);
    assert.equal(answer.body, '{"error":"not found"}\n', target);
    assert.equal(answer.headers.get("content-type"), "application/json");
  }
});

const wrongMethods: readonly [method: string, target: string, allow: string][] =
  [
    ["POST", "/v1/state", "GET, HEAD"],
    ["PUT", "/v1/state/metadata/region", "GET, HEAD"],
    ["DELETE", "/v1/state/data/b", "GET, HEAD"],
    ["OPTIONS", "/v1/state/secrets", "GET, HEAD"],
    ["PUT", "/v1/state/secrets/ant", "GET, HEAD"],
    ["POST", "/v1/state/report", "GET, HEAD, PUT"],
    ["POST", "/v1/state/report/health", "DELETE, GET, HEAD, PUT"],
    ["TRACE", "/v1/status", "GET, HEAD"],
    ["DELETE", "/v1/events", "GET, HEAD"],
    ["FOO", "/v1/state", "GET, HEAD"],
  ];

Deno.test("NodeApi answers 405 with the methods that a known path has", async () => {
  await using running = await startApi(filled());
  for (const [method, target, allow] of wrongMethods) {
    const answer = await call(running.secretsSocket, target, { method });
    assert.equal(answer.status, 405, `${method} ${target}`);
    assert.equal(answer.headers.get("allow"), allow);
    assert.equal(answer.body, '{"error":"method not allowed"}\n');
  }
});

Deno.test("NodeApi serves each new view whole, and keeps serving bodies of entries that did not change", async () => {
  const sources = filled();
  await using running = await startApi(sources);
  const ask = (target: string) => call(running.socket, target);
  const kept = await ask("/v1/state/data/b");
  const before = await ask("/v1/state");
  const { view } = sources.state;
  sources.state.view = {
    ...view,
    metadata: new Map([["region", "us"]]),
    data: new Map([["b", view.data.get("b")!]]),
  };
  assert.equal((await ask("/v1/state/metadata")).body, '{"region":"us"}\n');
  assert.equal(
    (await ask("/v1/state/metadata/region")).body,
    '{"key":"region","value":"us"}\n',
  );
  assert.equal((await ask("/v1/state/data/..")).status, 404);
  assert.equal((await ask("/v1/state/data/%2e%2e")).status, 404);
  assert.deepEqual(
    (await ask("/v1/state/data/b")).headers.get("etag"),
    kept.headers.get("etag"),
  );
  const after = await ask("/v1/state");
  assert.match(
    after.body,
    /^\{"metadata":\{"region":"us"\},"data_keys":\[\{"key":"b"/,
  );
  assert.notEqual(after.headers.get("etag"), before.headers.get("etag"));

  await sources.reports.delete("disk");
  assert.match(
    (await ask("/v1/state")).body,
    /"report_keys":\[\{"key":"health","version":3\}\]/,
  );
});

Deno.test("NodeApi answers an unexpected failure with a bare 500, logs it, and goes on", async () => {
  const sources = new FakeSources();
  sources.status = () => {
    throw new Error("internal detail");
  };
  await using running = await startApi(sources);
  const answer = await call(running.socket, "/v1/status");
  assert.equal(answer.status, 500);
  assert.equal(answer.body, '{"error":"internal error"}\n');
  assert.equal(running.log.lines.at(-1)?.level, "error");
  assert.equal((await call(running.socket, "/v1/state")).status, 200);
});
