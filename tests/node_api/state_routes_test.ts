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
      // The status tells of the listeners as well, which have a test of their own.
      const served = answer.body.replace(/,"listeners":\[.*?\]\}\n$/, "}\n");
      assert.equal(served, `${expected}\n`, target);
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
