import assert from "node:assert/strict";
import { call } from "../node_api/raw_http.ts";
import { eventually } from "./eventually.ts";
import { type Listed, listing } from "./files.ts";
import { planeForm } from "./plane_form.ts";
import { ScriptedPlane } from "./scripted_plane.ts";
import { Stage } from "./stage.ts";

/** Keys that somebody might hope to lead out of the store. */
const KEYS = [
  "../../etc/passwd",
  "../../../../escaped",
  "/etc/passwd",
  ".tmp-x",
  ".sums",
  ".damaged",
  "a/b",
  "a\\b",
  "nul\0byte",
  "k".repeat(300),
  "é".repeat(200),
  "🙂",
  "~",
  "%2e%2e",
  "x.json",
  "line\nbreak",
  "__proto__",
  "CON",
] as const;

/** Everything in the stage's folder that is not inside the membership. */
function outside(stage: Stage): Listed[] {
  const inside = stage.membership.slice(stage.folder.length);
  return listing(stage.folder).filter(({ path }) =>
    !path.startsWith(`${inside}/`)
  );
}

/**
 * Nothing may lie in the store's folders that is no file of the store, once
 * nothing is being written.
 */
async function assertPlainFiles(stage: Stage) {
  for (const { path, kind } of listing(`${stage.membership}/state`)) {
    if (kind === "folder") {
      assert.match(path, /^\/(data|report|\.damaged)$/, path);
      continue;
    }
    assert.equal(kind, "file", path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    assert.match(name, /^(\.sums|[A-Za-z0-9_%~-][A-Za-z0-9._%~-]*\.json)$/);
    assert.ok(name.length <= 255, name);
  }
  await eventually(
    "nothing is left in tmp/",
    () => listing(`${stage.membership}/tmp`).length === 0 || undefined,
  );
}

async function withScriptedPlane(
  work: (stage: Stage, plane: ScriptedPlane) => Promise<void>,
) {
  await using stage = await Stage.open();
  await using plane = new ScriptedPlane();
  plane.state = document([]);
  await Deno.writeTextFile(stage.tokenFile, "plx_token", { mode: 0o600 });
  await stage.startAgent({ url: plane.url });
  await stage.statusWhen(
    "it streams",
    (s) => s.stream.state === "streaming" && s.pull.last_success_at !== null,
  );
  await work(stage, plane);
}

/** A state in which every part has an entry for each of `keys`. */
function document(keys: readonly string[], version = 1): string {
  return JSON.stringify({
    node_id: planeForm(1).nodeId,
    epoch: 1,
    state_version: version,
    policies: [],
    metadata: Object.fromEntries(keys.map((key) => [key, `of ${key}`])),
    data: keys.map((key) => ({
      key,
      content_type: "text/plain",
      payload: `of ${key}`,
      version: 1,
      updated_at: "2026-03-01T12:00:00Z",
    })),
    secret_refs: keys.map((key) => ({ key, version: 1 })),
  });
}

/** All but the first: `{"__proto__": …}` in a literal would set no member. */
const metadataKeys = KEYS.filter((key) => key !== "__proto__");

/** Asserts that the local API serves each of `keys` in every part. */
async function assertServed(stage: Stage, keys: readonly string[]) {
  for (const key of keys) {
    const segment = encodeURIComponent(key);
    const metadata = JSON.parse(
      await stage.read(`/v1/state/metadata/${segment}`),
    );
    assert.deepEqual(metadata, { key, value: `of ${key}` });
    const data = JSON.parse(await stage.read(`/v1/state/data/${segment}`));
    assert.equal(data.key, key);
    assert.equal(data.payload, `of ${key}`);
  }
  const all = JSON.parse(await stage.read("/v1/state"));
  const names = [...keys].sort();
  assert.deepEqual(Object.keys(all.metadata).sort(), names);
  assert.deepEqual(
    all.data_keys.map(({ key }: { key: string }) => key).sort(),
    names,
  );
  assert.deepEqual(
    all.secret_keys.map(({ key }: { key: string }) => key).sort(),
    names,
  );
}

Deno.test("keys from the control plane are stored and served, and never lead out of the store", async () => {
  await withScriptedPlane(async (stage, plane) => {
    const before = outside(stage);
    plane.state = document(metadataKeys, 2);
    plane.endStreams();
    await stage.statusWhen(
      "a pull brings them",
      ({ state }) => state.version === 2,
    );
    await assertServed(stage, metadataKeys);
    await assertPlainFiles(stage);
    assert.deepEqual(outside(stage), before);

    // The same by event, with one more, which no object literal can have.
    const payload = document(metadataKeys, 3)
      .replace('"metadata":{', '"metadata":{"__proto__":"of __proto__",')
      .replace('"data":[', '"data":[' + entry("__proto__") + ",");
    plane.sendEvent("node_state_updated", payload);
    await stage.statusWhen(
      "an event brings them",
      ({ state }) => state.version === 3,
    );
    const metadata = await stage.read("/v1/state/metadata/__proto__");
    assert.equal(JSON.parse(metadata).value, "of __proto__");
    assert.equal(
      JSON.parse(await stage.read("/v1/state/data/__proto__")).payload,
      "of __proto__",
    );
    await assertPlainFiles(stage);
    assert.deepEqual(outside(stage), before);

    // A name in a request to the control plane stays one path segment.
    for (const key of metadataKeys) {
      const target = `/v1/state/secrets/${encodeURIComponent(key)}`;
      const { status } = await call(stage.secretsSocket, target);
      assert.equal(status, 404, key);
    }
    const asked = plane.requests.filter(({ path }) => path.includes("secrets"));
    assert.ok(asked.length > 0);
    for (const { path } of asked) {
      assert.match(path, /^\/v1\/nodes\/n-scripted\/secrets\/[^/]+$/);
    }

    // What was stored is found again, and what is removed leaves nothing.
    plane.state = document(metadataKeys, 4);
    plane.endStreams();
    await stage.statusWhen(
      "a pull brings them again",
      ({ state }) => state.version === 4,
    );
    await stage.stopAgent();
    await stage.startAgent({ url: "http://127.0.0.1:9" });
    await assertServed(stage, metadataKeys);
    await stage.stopAgent();
    await stage.startAgent({ url: plane.url });
    plane.state = document([], 5);
    await stage.statusWhen(
      "a pull removes them",
      ({ state }) => state.version === 5,
    );
    assert.deepEqual(listing(`${stage.membership}/state/data`), []);
    assert.deepEqual(outside(stage), before);
    await stage.stopAgent();
  });
});

function entry(key: string): string {
  return JSON.stringify({
    key,
    content_type: "text/plain",
    payload: `of ${key}`,
    version: 1,
    updated_at: "2026-03-01T12:00:00Z",
  });
}

/** Targets of reports as they stand in the request line. */
const reports: readonly { readonly target: string; readonly key?: string }[] = [
  { target: "..%2F..%2Fetc%2Fpasswd" },
  { target: "../../../etc/passwd" },
  { target: "..%5c..%5cx" },
  { target: "%2e%2e" },
  { target: "%2E" },
  { target: "a%2Fb" },
  { target: "a%00b" },
  { target: "k".repeat(300) },
  { target: "%F0%9F%99%82".repeat(64) },
  { target: "%ED%A0%80" },
  { target: "%zz" },
  { target: "" },
  { target: "plexd.health" },
  { target: ".tmp-x", key: ".tmp-x" },
  { target: ".sums", key: ".sums" },
  { target: "~", key: "~" },
  { target: "%F0%9F%99%82", key: "🙂" },
  { target: "k".repeat(255), key: "k".repeat(255) },
  { target: "line%0Abreak", key: "line\nbreak" },
  { target: "%25%32%65", key: "%2e" },
  { target: "__proto__", key: "__proto__" },
];

Deno.test("report keys are stored safely or refused, and never lead out of the store", async () => {
  await withScriptedPlane(async (stage, plane) => {
    const before = outside(stage);
    for (const { target, key } of reports) {
      const path = `/v1/state/report/${target}`;
      const { status, body } = await stage.local(path, {
        method: "PUT",
        body: `{"content_type":"text/plain","payload":"of ${target}"}`,
      });
      assert.deepEqual(outside(stage), before, target);
      if (key === undefined) {
        assert.ok(status === 400 || status === 404, `${target}: ${status}`);
        continue;
      }
      assert.equal(status, 200, `${target}: ${body}`);
      const stored = JSON.parse(await stage.read(path));
      assert.equal(stored.key, key);
      assert.equal(stored.payload, `of ${target}`);
    }
    await assertPlainFiles(stage);
    const kept = reports.filter(({ key }) => key !== undefined);
    const files = listing(`${stage.membership}/state/report`);
    assert.equal(files.length, kept.length);
    await stage.statusWhen(
      "all of them are upstream",
      ({ sync }) => sync.pending === 0,
    );
    assert.ok(plane.requests.some(({ surface }) => surface === "report"));

    await stage.killAgent();
    await stage.startAgent({ url: plane.url });
    for (const { target, key } of kept) {
      const path = `/v1/state/report/${target}`;
      assert.equal(JSON.parse(await stage.read(path)).key, key);
      const { status } = await stage.local(path, { method: "DELETE" });
      assert.equal(status, 204);
    }
    assert.deepEqual(listing(`${stage.membership}/state/report`), []);
    assert.deepEqual(outside(stage), before);
    await stage.stopAgent();
  });
});
