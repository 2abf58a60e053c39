import assert from "node:assert/strict";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { FakeSources } from "./fake_sources.ts";
import { type Address, call } from "./raw_http.ts";
import { httpSettings, startApi } from "./running_api.ts";

const target = "/v1/state/report";
const json = { "Content-Type": "application/json" };

function put(
  address: Address,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = json,
  query = "",
) {
  return call(address, target + query, {
    method: "PUT",
    headers: { Authorization: "Bearer t0ken", ...headers },
    body,
  });
}

function report(key: string, rest = ""): string {
  return `{"key":${
    JSON.stringify(key)
  },"content_type":"a/b","payload":1.50${rest}}`;
}

function batch(...reports: string[]): string {
  return `{"reports":[${reports.join(",")}]}`;
}

Deno.test("a batch writes all of its reports, payloads as they were sent, on each listener", async () => {
  const sources = new FakeSources();
  await using running = await startApi(
    sources,
    (folder) => httpSettings(folder, "t0ken"),
  );
  const { socket, secretsSocket, api } = running;
  let version = 0;
  for (const address of [socket, secretsSocket, api.httpPort!]) {
    version++;
    const answer = await put(
      address,
      batch(report("b"), report("__proto__"), report("a")),
      { "content-type": "Application/JSON; charset=utf-8" },
    );
    assert.equal(answer.status, 200, answer.body);
    const updated_at = "2026-03-01T12:00:00Z";
    assert.deepEqual(JSON.parse(answer.body), {
      reports: ["b", "__proto__", "a"].map((key) => ({
        key,
        version,
        updated_at,
        sync: "pending",
      })),
    });
  }
  const one = await call(socket, `${target}/a`);
  assert.match(one.body, /"payload":1\.50,"version":3/);
});

const refused: readonly [when: string, body: string, answer: unknown][] = [
  ["that is no JSON", "{", { error: "invalid JSON body" }],
  ["that is empty", "", { error: "invalid JSON body" }],
  ["that is null", "null", { error: "reports must be a list" }],
  ["without reports", "{}", { error: "reports must be a list" }],
  ["with null reports", '{"reports":null}', {
    error: "reports must be a list",
  }],
  ["without any report", batch(), { error: "reports must be 1 to 500" }],
  [
    "of 501 reports",
    batch(...Array.from({ length: 501 }, (_, at) => report(`key-${at}`))),
    { error: "reports must be 1 to 500" },
  ],
  [
    "with a number for a report",
    batch(report("a"), "1"),
    { error: "key is required", index: 1 },
  ],
  [
    "with a key that cannot be",
    batch(report("a"), report("a/b")),
    { error: "invalid report key", index: 1 },
  ],
  [
    "with a key of the agent's own",
    batch(report("plexd.health")),
    { error: "invalid report key", index: 0 },
  ],
  [
    "with a key twice",
    batch(report("a"), report("b"), report("a")),
    { error: "key must be given once", key: "a" },
  ],
  [
    "without a content type",
    batch('{"key":"a","payload":1}'),
    { error: "content_type is required", key: "a" },
  ],
  [
    "without a payload",
    batch('{"key":"a","content_type":"a/b"}'),
    { error: "payload must be valid JSON", key: "a" },
  ],
  [
    "with a version that is none",
    batch(report("a", ',"if_match":"1"')),
    { error: "if_match must be an integer", key: "a" },
  ],
  [
    "with create_only that is no truth value",
    batch(report("a", ',"create_only":1')),
    { error: "create_only must be true or false", key: "a" },
  ],
];

Deno.test("a batch that cannot be written answers 400, says what is wrong, and changes nothing", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  for (const [when, body, expected] of refused) {
    const answer = await put(running.socket, body);
    assert.equal(answer.status, 400, when);
    assert.deepEqual(JSON.parse(answer.body), expected, when);
  }
  assert.equal(sources.reports.view.entries.size, 0);
});

Deno.test("a batch of another media type, or of none, answers 415", async () => {
  await using running = await startApi();
  for (
    const headers of [{}, { "Content-Type": "text/plain" }, {
      "Content-Type": "application/x-www-form-urlencoded",
    }]
  ) {
    const answer = await put(running.socket, batch(report("a")), headers);
    assert.equal(answer.status, 415);
    assert.deepEqual(JSON.parse(answer.body), {
      error: "content type must be application/json",
    });
  }
});

Deno.test("a batch over 1 MiB answers 413", async () => {
  await using running = await startApi();
  const large = report("a", `,"x":"${"x".repeat(1_048_576)}"`);
  const answer = await put(running.socket, batch(large));
  assert.equal(answer.status, 413);
  assert.deepEqual(JSON.parse(answer.body), { error: "body too large" });
});

Deno.test("a condition that does not hold refuses the whole batch and names the report", async () => {
  const sources = new FakeSources();
  sources.reports.add({
    key: "old",
    contentType: "a/b",
    payload: "0",
    version: 3,
  });
  const before = sources.reports.view;
  await using running = await startApi(sources);
  const conflict = await put(
    running.socket,
    batch(report("new"), report("old", ',"if_match":2')),
  );
  assert.equal(conflict.status, 409);
  assert.deepEqual(JSON.parse(conflict.body), {
    error: "version conflict",
    key: "old",
  });
  const exists = await put(
    running.socket,
    batch(report("new"), report("old", ',"create_only":true')),
  );
  assert.equal(exists.status, 412);
  assert.deepEqual(JSON.parse(exists.body), {
    error: "already exists",
    key: "old",
  });
  assert.equal(sources.reports.view, before);
  const held = await put(
    running.socket,
    batch(
      report("new", ',"if_match":0,"create_only":true'),
      report("old", ',"if_match":3,"create_only":false'),
    ),
  );
  assert.equal(held.status, 200, held.body);
});

Deno.test("a full disk refuses a batch as it refuses one report", async () => {
  const sources = new FakeSources();
  const full = Object.assign(new Error("full"), { code: "ENOSPC" });
  sources.reports.failures.push(new StoreWriteError("2 reports", full));
  await using running = await startApi(sources);
  const answer = await put(running.socket, batch(report("a"), report("b")));
  assert.equal(answer.status, 507);
});

Deno.test("a batch waits until the control plane has all of it", async () => {
  const sources = new FakeSources();
  sources.sync.state = { state: "synced" };
  await using running = await startApi(sources);
  const all = await put(
    running.socket,
    batch(report("a"), report("b")),
    json,
    "?wait=synced",
  );
  assert.equal(all.status, 200);
  assert.equal(all.headers.get("x-plexd-sync"), "synced");
  sources.sync.wait = (key) =>
    Promise.resolve(key === "b" ? "local_only" : "synced");
  const some = await put(
    running.socket,
    batch(report("a"), report("b")),
    json,
    "?wait=synced",
  );
  assert.equal(some.status, 202);
  assert.equal(some.headers.get("x-plexd-sync"), "local_only");
  const { reports } = JSON.parse(some.body);
  assert.deepEqual(
    reports.map(({ sync }: { sync: string }) => sync),
    ["synced", "local_only"],
  );
});
