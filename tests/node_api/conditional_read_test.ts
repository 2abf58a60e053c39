import assert from "node:assert/strict";
import { dataEntry, FakeSources } from "./fake_sources.ts";
import { call } from "./raw_http.ts";
import { startApi } from "./running_api.ts";

function oneEntry(): FakeSources {
  const sources = new FakeSources();
  sources.state.view = {
    metadata: new Map([["region", "eu"]]),
    data: new Map([["a", dataEntry("a")]]),
    secretRefs: [],
  };
  return sources;
}

const conditional = [
  "/v1/state",
  "/v1/state/metadata",
  "/v1/state/metadata/region",
  "/v1/state/data",
  "/v1/state/data/a",
  "/v1/state/secrets",
  "/v1/state/report",
];

Deno.test("NodeApi answers 304 without a body while the tag of a read still holds", async () => {
  await using running = await startApi(oneEntry());
  for (const target of conditional) {
    const { headers } = await call(running.socket, target);
    const etag = headers.get("etag")!;
    assert.match(etag, /^W\/"[\w-]{16}"$/, target);
    const again = await call(running.socket, target, {
      headers: { "If-None-Match": etag },
    });
    assert.equal(again.status, 304, target);
    assert.equal(again.body, "");
    assert.equal(again.headers.get("etag"), etag);
  }
});

Deno.test("NodeApi compares the tags of If-None-Match weakly, one by one", async () => {
  await using running = await startApi(oneEntry());
  const target = "/v1/state/data/a";
  const etag = (await call(running.socket, target)).headers.get("etag")!;
  const strong = etag.slice(2);
  const cases: readonly [value: string, status: number][] = [
    [strong, 304],
    [`"x", ${etag}`, 304],
    [`W/"a,b" , ${strong}`, 304],
    ["*", 304],
    ['"x"', 200],
    ['W/""', 200],
    [strong.slice(1, -1), 200],
    ["", 200],
    [strong.slice(0, -1), 200],
  ];
  for (const [value, status] of cases) {
    const answer = await call(running.socket, target, {
      headers: { "If-None-Match": value },
    });
    assert.equal(answer.status, status, value);
  }
});

Deno.test("NodeApi changes the tag when a report is deleted and written anew with the same version", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  const target = "/v1/state/report/r";
  const put = (payload: string) =>
    sources.reports.put("r", { contentType: "text/plain", payload }, {});
  await put("1");
  const etag = (await call(running.socket, target)).headers.get("etag")!;
  await sources.reports.delete("r");
  await put("2");
  const answer = await call(running.socket, target, {
    headers: { "If-None-Match": etag },
  });
  assert.equal(answer.status, 200);
});

Deno.test("NodeApi says on each read when the state was verified and whether it is stale", async () => {
  const sources = oneEntry();
  await using running = await startApi(sources);
  const seen = async (headers: Record<string, string> = {}) => {
    const answer = await call(running.socket, "/v1/state/data/a", { headers });
    return {
      status: answer.status,
      at: answer.headers.get("x-plexd-verified-at"),
      stale: answer.headers.get("x-plexd-stale"),
    };
  };
  assert.deepEqual(await seen(), {
    status: 200,
    at: undefined,
    stale: undefined,
  });
  sources.fresh = {
    verifiedAtMs: Date.parse("2026-03-01T12:00:00Z"),
    stale: false,
  };
  const at = "2026-03-01T12:00:00.000Z";
  assert.deepEqual(await seen(), { status: 200, at, stale: undefined });
  sources.fresh = { ...sources.fresh, stale: true };
  assert.deepEqual(await seen(), { status: 200, at, stale: "true" });
  assert.deepEqual(await seen({ "If-None-Match": "*" }), {
    status: 304,
    at,
    stale: "true",
  });
  sources.fresh = {
    verifiedAtMs: Date.parse("2026-03-01T12:01:00Z"),
    stale: false,
  };
  assert.deepEqual(await seen(), {
    status: 200,
    at: "2026-03-01T12:01:00.000Z",
    stale: undefined,
  });
});
