import assert from "node:assert/strict";
import {
  ApiError,
  LocalCallError,
  PlexdClient,
  type WatchEvent,
} from "../../src/client/mod.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import {
  dataEntry,
  FakeSources,
  sampleEvents,
  sampleStatus,
} from "../node_api/fake_sources.ts";
import { httpSettings, startApi } from "../node_api/running_api.ts";
import { vectors } from "../vectors/load.ts";

/** Sources with one of everything. */
function sources(): FakeSources {
  const all = new FakeSources();
  all.state.view = {
    metadata: new Map([["region", "eu-1"], ["a/b", "slash"]]),
    data: new Map([["motd", dataEntry("motd", { payload: '{"text":"hi"}' })]]),
    secretRefs: [{ key: "db-password", version: 3 }],
  };
  return all;
}

async function apiError(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  return assert.fail("the call succeeded");
}

Deno.test("the client reads state, one by one and as a whole", async () => {
  await using api = await startApi(sources());
  const client = new PlexdClient(api.socket);
  const { value } = await client.state();
  assert.deepEqual(value.metadata, { "a/b": "slash", region: "eu-1" });
  assert.deepEqual(value.secret_keys, [{ key: "db-password", version: 3 }]);
  assert.deepEqual((await client.metadata()).value, value.metadata);
  assert.equal((await client.metadataValue("a/b")).value.value, "slash");
  const summary = {
    key: "motd",
    version: 1,
    content_type: "application/json",
  };
  assert.deepEqual((await client.data()).value, [summary]);
  const entry = await client.dataEntry<{ text: string }>("motd");
  assert.equal(entry.value.payload.text, "hi");
  assert.deepEqual((await client.secrets()).value, value.secret_keys);
});

Deno.test("the client reads everything of one moment", async () => {
  const all = sources();
  all.reports.add({ ...dataEntry("health"), payload: "1" });
  await using api = await startApi(all);
  const { value } = await new PlexdClient(api.socket).fullState();
  assert.equal(value.metadata["region"], "eu-1");
  assert.deepEqual(value.data.map(({ payload }) => payload), [{ text: "hi" }]);
  assert.deepEqual(value.reports.map(({ payload }) => payload), [1]);
  assert.deepEqual(value.secret_keys, [{ key: "db-password", version: 3 }]);
  assert.deepEqual(value.freshness, { verified_at: null, stale: false });
});

Deno.test("the client asks the probes, and reads the figures and the contract", async () => {
  await using api = await startApi(sources());
  const client = new PlexdClient(api.socket);
  assert.deepEqual(await client.healthz(), {
    ok: true,
    body: { status: "ok" },
  });
  const { ok, body } = await client.readyz();
  assert.ok(typeof body === "object" && body !== null && "status" in body);
  assert.equal(ok, body.status === "ready");
  assert.match(await client.metrics(), /^# HELP plexd_/m);
  assert.match(String((await client.openapi())["openapi"]), /^3\.1/);
});

Deno.test("the client reads again only what has changed", async () => {
  const all = sources();
  all.fresh = { verifiedAtMs: 0, stale: true };
  await using api = await startApi(all);
  const client = new PlexdClient(api.socket);
  const before = await client.metadataValue("region");
  assert.equal(before.stale, true);
  assert.equal(before.verifiedAt, "1970-01-01T00:00:00.000Z");
  assert.equal(await client.ifChanged(before), undefined);
  const metadata = new Map([["region", "eu-2"]]);
  all.state.view = { ...all.state.view, metadata };
  const after = await client.ifChanged(before);
  assert.equal(after?.value.value, "eu-2");
  assert.notEqual(after?.etag, before.etag);
});

Deno.test("the client writes reports under conditions", async () => {
  const all = sources();
  await using api = await startApi(all);
  const client = new PlexdClient(api.socket);
  const first = await client.putReport("health", { ok: true }, {
    createOnly: true,
  });
  assert.equal(first.value.version, 1);
  assert.equal(first.sync, undefined);
  const twice = await apiError(
    client.putReport("health", 1, { createOnly: true }),
  );
  assert.equal(twice.status, 412);
  assert.equal(twice.error, "already exists");
  const second = await client.putReport("health", 2, { ifMatch: 1 });
  assert.equal(second.value.version, 2);
  const stale = await apiError(client.putReport("health", 3, { ifMatch: 1 }));
  assert.equal(stale.status, 409);
  assert.equal((await client.report<number>("health")).value.payload, 2);
  assert.deepEqual((await client.reports()).value, [
    { key: "health", version: 2 },
  ]);
  await client.deleteReport("health");
  assert.equal((await apiError(client.deleteReport("health"))).status, 404);
});

Deno.test("the client waits until reports are upstream", async () => {
  const all = sources();
  all.sync.state = { state: "synced", atMs: 0 };
  await using api = await startApi(all);
  const client = new PlexdClient(api.socket);
  const written = await client.putReport("a", 1, { waitSyncedMs: 1_000 });
  assert.equal(written.sync, "synced");
  const batch = await client.putReports([
    { key: "a", payload: 2, ifMatch: 1 },
    { key: "b", payload: null, createOnly: true, contentType: "text/plain" },
  ], { waitSyncedMs: 1_000 });
  assert.deepEqual(
    batch.map(({ key, version, sync }) => ({ key, version, sync })),
    [
      { key: "a", version: 2, sync: "synced" },
      { key: "b", version: 1, sync: "synced" },
    ],
  );
  const [a] = (await client.reportsWithSync()).value;
  assert.equal(a?.sync.state, "synced");
  all.sync.state = { state: "local_only" };
  const gone = await client.deleteReport("a", { waitSyncedMs: 1_000 });
  assert.equal(gone.sync, "local_only");
});

Deno.test("the client tells status and events", async () => {
  await using api = await startApi(sources());
  const client = new PlexdClient(api.socket);
  const { listeners, ...status } = await client.status();
  assert.deepEqual(status, sampleStatus);
  assert.ok(Array.isArray(listeners) && listeners.length === 2);
  assert.deepEqual(await client.events(), sampleEvents);
});

Deno.test("the client reads the value of a secret where it is given", async () => {
  const [valid] = vectors.secrets_dialect1;
  const all = sources();
  all.secrets.key = nodeSecretToKey(valid!.nsk);
  all.secrets.answers.set("db-password", valid!.response);
  await using api = await startApi(all);
  const client = new PlexdClient(api.socket, { secrets: api.secretsSocket });
  const { value } = await client.secret("db-password");
  assert.equal(value, valid!.value);
});

Deno.test("the client's errors say what the agent said", async () => {
  const all = sources();
  await using api = await startApi(all);
  const client = new PlexdClient(api.socket);
  const withheld = await apiError(client.secret("db-password"));
  assert.equal(withheld.status, 403);
  const open = new PlexdClient(api.socket, { secrets: api.secretsSocket });
  assert.equal((await apiError(open.secret("none"))).status, 404);
  const missing = await apiError(client.metadataValue("none"));
  assert.deepEqual(
    { ...missing, message: missing.message },
    {
      name: "ApiError",
      status: 404,
      error: "not found",
      reason: undefined,
      retryAfterMs: undefined,
      message: "not found (404)",
    },
  );
});

Deno.test("the client gives the bearer on TCP, and never in an error", async () => {
  await using api = await startApi(
    sources(),
    (folder) => httpSettings(folder, "right-token"),
  );
  const url = `http://127.0.0.1:${api.api.httpPort}`;
  const client = new PlexdClient({ url, bearer: "right-token" });
  assert.equal((await client.metadataValue("region")).value.value, "eu-1");
  const wrong = new PlexdClient({ url: `${url}/`, bearer: "wrong-token" });
  assert.equal((await apiError(wrong.state())).status, 401);
  const port = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  port.close();
  const away = new PlexdClient({
    url: `http://127.0.0.1:${port.addr.port}`,
    bearer: "right-token",
  });
  await assert.rejects(away.state(), (error) => {
    assert.ok(error instanceof LocalCallError);
    assert.equal(error.kind, "not_running");
    assert.doesNotMatch(error.message, /right-token/);
    return true;
  });
});

Deno.test("the client takes no other document for the one it asked for", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/api.sock`;
  const server = Deno.serve(
    { path, onListen() {} },
    () => Response.json(["something", "else"]),
  );
  try {
    await assert.rejects(new PlexdClient(path).state(), {
      name: "LocalCallError",
      kind: "bad_answer",
    });
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the client refuses a key that no path can carry", () => {
  const client = new PlexdClient("/nowhere");
  assert.throws(() => client.metadataValue(".."), URIError);
});

Deno.test("a watch tells changes, and ends with its signal", async () => {
  const all = sources();
  await using api = await startApi(all);
  const stop = new AbortController();
  const seen: WatchEvent[] = [];
  const watching = new PlexdClient(api.socket).watch({
    kinds: ["metadata"],
    keys: ["region"],
    signal: stop.signal,
  });
  for await (const event of watching) {
    seen.push(event);
    if (event.type === "change") stop.abort();
    if (event.type !== "hello") continue;
    for (const key of ["zone", "region"]) {
      all.changes.note([{
        kind: "metadata",
        key,
        change: "changed",
        origin: "control_plane",
      }]);
    }
  }
  assert.deepEqual(seen.map(({ type }) => type), ["hello", "change"]);
  const [, change] = seen;
  assert.ok(change?.type === "change");
  assert.equal(change.key, "region");
  assert.equal(change.origin, "control_plane");
  assert.notEqual(change.position, "");
});
