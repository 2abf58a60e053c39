import assert from "node:assert/strict";
import { LOOK_MS } from "../../src/node_api/listener_watch.ts";
import type { ReportSyncState } from "../../src/wire/report_sync.ts";
import { eventually } from "../scenarios/eventually.ts";
import { settle } from "../fakes/fake_clock.ts";
import { FakeSources } from "./fake_sources.ts";
import { type Address, call, dial, send } from "./raw_http.ts";
import { httpSettings, type RunningApi, startApi } from "./running_api.ts";

const target = "/v1/state/report/health";
const body = '{"content_type":"application/json","payload":{"a":1}}';
const stored =
  '{"key":"health","content_type":"application/json","payload":{"a":1},"version":1,"updated_at":"2026-03-01T12:00:00Z"}\n';

function put(address: Address, query: string, path = target) {
  return call(address, `${path}${query}`, {
    method: "PUT",
    headers: { Authorization: "Bearer t0ken" },
    body,
  });
}

async function waiters(sources: FakeSources, count: number) {
  await eventually(
    `${count} wait`,
    () => Promise.resolve(sources.sync.waiting.length === count || undefined),
  );
}

Deno.test("PUT with wait=synced answers 200 once the control plane has the report, on each listener", async () => {
  const sources = new FakeSources();
  await using running = await startApi(
    sources,
    (folder) => httpSettings(folder, "t0ken"),
  );
  const { socket, secretsSocket, api } = running;
  for (const address of [socket, secretsSocket, api.httpPort!]) {
    await sources.reports.delete("health");
    const answer = put(address, "?wait=synced");
    await waiters(sources, 1);
    const [waiter] = sources.sync.waiting;
    assert.equal(waiter?.entry, sources.reports.get("health"));
    waiter?.end("synced");
    const { status, headers, body } = await answer;
    assert.equal(status, 200);
    assert.equal(body, stored);
    assert.equal(headers.get("x-plexd-sync"), "synced");
  }
  // Guard and listeners are looked at all the time.
  assert.ok(running.clock.sleeping.every((ms) => ms <= LOOK_MS));
});

for (
  const [query, limitMs] of [
    ["?wait=synced", 10_000],
    ["?wait=synced&timeout=250ms", 250],
    ["?timeout=1m&wait=synced&other=1", 60_000],
  ] as const
) {
  Deno.test(`PUT with ${query} answers 202 after ${limitMs} ms, with the report as it is stored`, async () => {
    const sources = new FakeSources();
    await using running = await startApi(sources);
    const answer = put(running.socket, query);
    await waiters(sources, 1);
    await running.clock.advance(limitMs - 1);
    assert.equal(sources.sync.waiting.length, 1);
    await running.clock.advance(1);
    const { status, headers, body } = await answer;
    assert.equal(status, 202);
    assert.equal(body, stored);
    assert.equal(headers.get("x-plexd-sync"), "pending");
    assert.equal(sources.sync.waiting.length, 0);
  });
}

const hopeless: readonly ReportSyncState[] = [
  "local_only",
  "suspended",
  "refused",
];
for (const state of hopeless) {
  Deno.test(`PUT with wait=synced answers 202 at once when the report is ${state}, and says so`, async () => {
    const sources = new FakeSources();
    sources.sync.state = { state };
    await using running = await startApi(sources);
    const { status, headers } = await put(running.socket, "?wait=synced");
    assert.equal(status, 202);
    assert.equal(headers.get("x-plexd-sync"), state);
  });
}

const bad: readonly [query: string, error: string][] = [
  ["?wait=", "wait must be synced"],
  ["?wait=true", "wait must be synced"],
  ["?wait=synced&wait=synced", "wait must be given once"],
  ["?wait=synced&timeout=1s&timeout=1s", "timeout must be given once"],
  ...["", "0s", "10", "-1s", "61s", "1e3s", "1s1", "99999999999d"].map(
    (text): [string, string] => [
      `?wait=synced&timeout=${text}`,
      "timeout must be a duration from 1ms to 60s",
    ],
  ),
];

Deno.test("PUT and DELETE answer 400 to a wait that means nothing, and change nothing", async () => {
  const sources = new FakeSources();
  sources.reports.add({
    key: "health",
    contentType: "text/plain",
    payload: "0",
    version: 7,
  });
  const before = sources.reports.view;
  await using running = await startApi(sources);
  for (const [query, error] of bad) {
    for (const method of ["PUT", "DELETE"]) {
      const answer = await call(running.socket, target + query, {
        method,
        ...(method === "PUT" ? { body } : {}),
      });
      assert.equal(answer.status, 400, query);
      assert.deepEqual(JSON.parse(answer.body), { error }, query);
    }
  }
  assert.equal(sources.reports.view, before);
});

Deno.test("a timeout without a wait, and parameters nobody knows, change nothing of a PUT", async () => {
  await using running = await startApi();
  const { status, headers, body } = await put(
    running.socket,
    "?timeout=1s&x=%zz&y",
  );
  assert.equal(status, 200);
  assert.equal(body, stored);
  assert.equal(headers.has("x-plexd-sync"), false);
});

Deno.test("DELETE with wait=synced answers 204 when the control plane has forgotten it, else 202", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  for (const [state, status] of [["synced", 204], ["pending", 202]] as const) {
    await put(running.socket, "");
    const answer = call(running.socket, `${target}?wait=synced`, {
      method: "DELETE",
    });
    await waiters(sources, 1);
    sources.sync.waiting[0]?.end(state);
    const { body, headers, ...rest } = await answer;
    assert.equal(rest.status, status);
    assert.equal(body, "");
    assert.equal(headers.get("x-plexd-sync"), state);
  }
  const none = await call(running.socket, `${target}?wait=synced`, {
    method: "DELETE",
  });
  assert.equal(none.status, 404);
});

Deno.test("a writer that goes away waits no longer", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  const connection = await dial(running.socket);
  await send(connection, `${target}?wait=synced`, { method: "PUT", body });
  await waiters(sources, 1);
  connection.close();
  await waiters(sources, 0);
  await eventually(
    "no timer is left",
    () => running.clock.sleeping.every((ms) => ms <= LOOK_MS) || undefined,
  );
});

Deno.test("a stop answers 202 to those who wait", async () => {
  const sources = new FakeSources();
  const running = await startApi(sources);
  try {
    const answer = put(running.socket, "?wait=synced");
    await waiters(sources, 1);
    running.stop();
    const { status, headers } = await answer;
    assert.equal(status, 202);
    assert.equal(headers.get("x-plexd-sync"), "pending");
  } finally {
    await running[Symbol.asyncDispose]();
  }
});

Deno.test("credentials are brought up to date before a wait, once, and not for a plain write", async () => {
  const sources = new FakeSources();
  sources.sync.state = { state: "synced" };
  let refreshed = 0;
  sources.before = () => {
    refreshed++;
    return Promise.reject(new Error("No luck"));
  };
  await using running = await startApi(sources);
  await put(running.socket, "");
  assert.equal(refreshed, 0);
  assert.equal((await put(running.socket, "?wait=synced")).status, 200);
  assert.equal(refreshed, 1);
});

Deno.test("a refresh that never ends is waited for three seconds", async () => {
  const sources = new FakeSources();
  sources.sync.state = { state: "synced" };
  let given = false;
  const begun = Promise.withResolvers<void>();
  sources.before = (signal) => {
    signal.addEventListener("abort", () => given = true, { once: true });
    begun.resolve();
    return new Promise(() => {});
  };
  await using running: RunningApi = await startApi(sources);
  const answer = put(running.socket, "?wait=synced");
  await begun.promise;
  await settle();
  await running.clock.advance(2_999);
  assert.equal(given, false);
  await running.clock.advance(1);
  assert.equal((await answer).status, 200);
  assert.equal(given, true);
});

Deno.test("the list of reports tells on request how far each is", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  await put(running.socket, "");
  const list = async (query: string) =>
    await call(running.socket, `/v1/state/report${query}`);
  assert.equal(
    (await list("?sync=false")).body,
    '[{"key":"health","version":1}]\n',
  );
  const [pending] = JSON.parse((await list("?sync=true")).body);
  assert.deepEqual(pending, {
    key: "health",
    version: 1,
    sync: { state: "pending", at: null },
  });
  const etag = (await list("?sync=true")).headers.get("etag")!;
  sources.sync.state = { state: "refused", atMs: 1_000, error: "too large" };
  const answer = await call(running.socket, "/v1/state/report?sync=true", {
    headers: { "If-None-Match": etag },
  });
  assert.deepEqual(JSON.parse(answer.body), [{
    key: "health",
    version: 1,
    sync: {
      state: "refused",
      at: "1970-01-01T00:00:01.000Z",
      error: "too large",
    },
  }]);
  assert.equal((await list("?sync=1")).status, 400);
});
