import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeDataEntry } from "../../src/wire/data_entry.ts";
import { dataEntry, FakeSources } from "./fake_sources.ts";
import { type Address, call } from "./raw_http.ts";
import { httpSettings, startApi } from "./running_api.ts";

const target = "/v1/state?full=true";

function filled(): FakeSources {
  const sources = new FakeSources();
  sources.state.view = {
    metadata: new Map([["zone", "b"], ["1", "a\nb"], ["__proto__", "x"]]),
    data: new Map([
      ["b", dataEntry("b", { payload: '{"n":1.50,"n":[ 1e3 ]}' })],
      ["a", dataEntry("a", { payload: '"<é>"', version: 7 })],
    ]),
    secretRefs: [{ key: "token", version: 2 }, { key: "db", version: 1 }],
    position: { epoch: 3, version: 41 },
  };
  sources.reports.add({
    key: "health",
    contentType: "a/b",
    payload: "12345678901234567890",
    version: 5,
  });
  sources.fresh = { stale: true, verifiedAtMs: 0 };
  return sources;
}

const updated = '"updated_at":"2026-03-01T12:00:00Z"';
const body = '{"metadata":{"1":"a\\nb","__proto__":"x","zone":"b"},"data":[' +
  `{"key":"a","content_type":"application/json","payload":"<é>","version":7,${updated}},` +
  `{"key":"b","content_type":"application/json","payload":{"n":1.50,"n":[ 1e3 ]},"version":1,${updated}}` +
  '],"secret_keys":[{"key":"db","version":1},{"key":"token","version":2}],' +
  `"reports":[{"key":"health","content_type":"a/b","payload":12345678901234567890,"version":5,${updated}}],` +
  '"position":{"epoch":3,"version":41},' +
  '"freshness":{"verified_at":"1970-01-01T00:00:00.000Z","stale":true}}\n';

Deno.test("the full state is everything but secret values, payloads untouched, on each listener", async () => {
  await using running = await startApi(
    filled(),
    (folder) => httpSettings(folder, "t0ken"),
  );
  const { socket, secretsSocket, api } = running;
  const addresses: Address[] = [socket, secretsSocket, api.httpPort!];
  for (const address of addresses) {
    const headers = { Authorization: "Bearer t0ken" };
    const answer = await call(address, target, { headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.body, body);
    assert.equal(answer.headers.get("x-plexd-stale"), "true");
    const head = await call(address, target, { method: "HEAD", headers });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("etag"), answer.headers.get("etag"));
  }
});

Deno.test("the full state of an empty node has all its parts", async () => {
  await using running = await startApi();
  const answer = await call(running.socket, target);
  assert.deepEqual(JSON.parse(answer.body), {
    metadata: {},
    data: [],
    secret_keys: [],
    reports: [],
    position: null,
    freshness: { verified_at: null, stale: false },
  });
});

Deno.test("the tag of the full state changes with what it holds, and not with its freshness", async () => {
  const sources = filled();
  await using running = await startApi(sources);
  const tag = async () =>
    (await call(running.socket, target)).headers.get("etag")!;
  const first = await tag();
  sources.fresh = { stale: false, verifiedAtMs: 1_000 };
  assert.equal(await tag(), first);
  const again = await call(running.socket, target, {
    headers: { "If-None-Match": first },
  });
  assert.equal(again.status, 304);
  assert.equal(
    again.headers.get("x-plexd-verified-at"),
    "1970-01-01T00:00:01.000Z",
  );
  assert.match(
    (await call(running.socket, target)).body,
    /"verified_at":"1970-01-01T00:00:01.000Z","stale":false/,
  );
  const tags = new Set([first]);
  const { view } = sources.state;
  sources.state.view = { ...view, position: { epoch: 3, version: 42 } };
  tags.add(await tag());
  sources.state.view = { ...view, metadata: new Map() };
  tags.add(await tag());
  await sources.reports.delete("health");
  tags.add(await tag());
  assert.equal(tags.size, 4);
});

Deno.test("full has to be true or false, once; other parameters are ignored", async () => {
  await using running = await startApi(filled());
  for (const query of ["full=", "full=1", "full=TRUE", "full"]) {
    const { status, body } = await call(running.socket, `/v1/state?${query}`);
    assert.equal(status, 400, query);
    assert.deepEqual(JSON.parse(body), { error: "full must be true or false" });
  }
  const twice = await call(running.socket, "/v1/state?full=true&full=true");
  assert.equal(twice.status, 400);
  const plain = (await call(running.socket, "/v1/state")).body;
  for (const query of ["full=false", "fully=1", "x=full=true", ""]) {
    const { body } = await call(running.socket, `/v1/state?${query}`);
    assert.equal(body, plain, query);
  }
});

Deno.test("the full state holds each entry byte for byte, whatever is in it", async () => {
  const text = fc.string({ unit: "binary" }).filter((it) => it.isWellFormed());
  const entry = fc.record({
    key: fc.string({ minLength: 1, maxLength: 20 }),
    payload: fc.json({ noUnicodeString: false }),
    contentType: text,
    version: fc.nat(),
  }).filter(({ payload, key }) => payload.isWellFormed() && key.isWellFormed());
  const sources = new FakeSources();
  await using running = await startApi(sources);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(entry, { selector: ({ key }) => key, maxLength: 20 }),
      fc.dictionary(text, text),
      async (entries, metadata) => {
        const data = new Map(
          entries.map(({ key, ...rest }) => [key, dataEntry(key, rest)]),
        );
        sources.state.view = {
          metadata: new Map(Object.entries(metadata)),
          data,
          secretRefs: [],
        };
        const { body } = await call(running.socket, target);
        const full = JSON.parse(body);
        assert.deepEqual(
          new Map(Object.entries(full.metadata)),
          new Map(Object.entries(metadata)),
        );
        assert.equal(full.data.length, data.size);
        for (const one of data.values()) {
          assert.ok(body.includes(encodeDataEntry(one)));
        }
      },
    ),
    { numRuns: 50 },
  );
});
