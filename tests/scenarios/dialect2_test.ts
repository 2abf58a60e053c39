import assert from "node:assert/strict";
import type { StatusDocument } from "../../src/wire/status.ts";
import { call } from "../node_api/raw_http.ts";
import { BEARER, NSK, problem, textOf } from "../uplink/dialect2_node.ts";
import { type SeenRequest, TestServer } from "../uplink/serve.ts";
import { vectors } from "../vectors/load.ts";
import { eventually } from "./eventually.ts";
import { listing } from "./files.ts";
import { Stage } from "./stage.ts";

const TOKEN = "psb_prod_abc234_node_abcdefghijklmnopqrst";

function document(name: string): Record<string, unknown> {
  const found = vectors.dialect_detection.find((one) => one.name === name);
  assert.ok(found?.document, name);
  return found.document;
}

const registration = document("register-2");
const node = `/v1/nodes/${registration["node_id"]}`;
const [secret] = vectors.secrets_dialect2;

/** A control plane of dialect 2 as it is published: without an event bus. */
function answer({ method, path, headers }: SeenRequest): Response {
  if (path === "/v1/register") {
    return Response.json(registration, { status: 201 });
  }
  if (headers.get("authorization") !== `Bearer ${BEARER}`) {
    return problem(401, "nsk_invalid");
  }
  switch (`${method} ${path}`) {
    case `GET ${node}/events`:
      return problem(501, "signed_event_bus_not_provisioned");
    case `GET ${node}/state`:
      return Response.json(document("state-2"));
    case `GET ${node}/secrets/db`:
      return new Response(Uint8Array.fromBase64(secret!.body_b64), {
        headers: { "x-plexsphere-secret-version": "3" },
      });
    case `PUT ${node}/state/reports/health`:
      return Response.json({ accepted_at: "now", key: "health" });
    default:
      return Response.json({});
  }
}

Deno.test("a node joins a control plane of dialect 2 and works with it by pulls alone", async () => {
  await using server = new TestServer(answer);
  await using stage = await Stage.open();
  await Deno.writeTextFile(stage.tokenFile, TOKEN, { mode: 0o600 });
  const settings = {
    registration: {
      project_id: "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0c0",
      resource_handle: "node-3",
    },
  };
  await stage.startAgent({ url: server.url, settings });
  const status = await stage.statusWhen(
    "the state is there",
    ({ state }) => state.metadata > 0,
  );
  assert.equal(status.node_id, registration["node_id"]);
  assert.equal(status.state.data, 2);
  assert.deepEqual(
    JSON.parse(await stage.read("/v1/state/metadata")),
    { env: "prod", region: "eu-west-1" },
  );
  const data = JSON.parse(await stage.read("/v1/state/data/note"));
  assert.equal(data.payload, "plain text");

  const read = await call(stage.secretsSocket, "/v1/state/secrets/db");
  assert.equal(JSON.parse(read.body).value, secret!.value);

  const put = { content_type: "application/json", payload: { ok: true } };
  for (const key of ["health", "Not-For-Dialect-2"]) {
    const request = { method: "PUT", body: JSON.stringify(put) };
    const { status } = await stage.local(`/v1/state/report/${key}`, request);
    assert.equal(status, 200);
  }
  const synced = await eventually(
    "the report arrives",
    () => server.seen.find(({ path }) => path.endsWith("/reports/health")),
  );
  assert.deepEqual(JSON.parse(await textOf(synced)), { value: '{"ok":true}' });
  const { sync } = await stage.statusWhen(
    "it is taken",
    ({ sync }) => sync.pending === 0,
  );
  assert.equal(sync.local_only, 1);

  // The same node, in the same dialect, after a crash.
  await stage.killAgent();
  await stage.startAgent({ url: server.url, settings });
  await stage.statusWhen(
    "it pulls again",
    ({ pull }) => pull.last_success_at !== null,
  );
  const joined = server.seen.filter(({ path }) => path === "/v1/register");
  assert.equal(joined.length, 1);
  await eventually(
    "it beats",
    () => server.seen.find(({ path }) => path === `${node}/heartbeat`),
  );
  await stage.stopAgent();
  for (const text of [TOKEN, NSK, BEARER]) {
    assert.ok(!stage.agentOutput.includes(text));
  }
});

/** Keys that somebody might hope to lead out of the store; they have at most 128 characters. */
const KEYS = [
  "../../etc/passwd",
  "/etc/passwd",
  ".tmp-x",
  ".sums",
  "a/b",
  "nul\0byte",
  "é".repeat(128),
  "~",
  "%2e%2e",
  "line\nbreak",
  "__proto__",
] as const;

Deno.test("keys of a state in dialect 2 are stored and served, and never lead out of the store", async () => {
  const state = structuredClone(document("state-2"));
  const entries = [...KEYS].sort().map((key) => ({ key, value: `of ${key}` }));
  state["state"] = { metadata: entries, data: entries, reports: [] };
  await using server = new TestServer((request) =>
    request.path === `${node}/state` ? Response.json(state) : answer(request)
  );
  await using stage = await Stage.open(2);
  await Deno.writeTextFile(stage.tokenFile, TOKEN, { mode: 0o600 });
  await stage.startAgent({ url: server.url });
  await stage.statusWhen(
    "a pull brings them",
    ({ state }) => state.metadata === KEYS.length,
  );
  for (const key of KEYS) {
    const segment = encodeURIComponent(key);
    const { value } = JSON.parse(
      await stage.read(`/v1/state/metadata/${segment}`),
    );
    assert.equal(value, `of ${key}`);
    const data = JSON.parse(await stage.read(`/v1/state/data/${segment}`));
    assert.equal(data.payload, `of ${key}`);
  }
  const files = listing(`${stage.membership}/state/data`);
  assert.equal(files.length, KEYS.length);
  for (const { kind, path } of files) {
    assert.equal(kind, "file");
    assert.match(path, /^\/[A-Za-z0-9_%~-][A-Za-z0-9._%~-]*\.json$/);
  }
  // Names of secrets that the dialect does not know are not even asked for.
  for (const key of KEYS) {
    const target = `/v1/state/secrets/${encodeURIComponent(key)}`;
    assert.equal((await call(stage.secretsSocket, target)).status, 404, key);
  }
  assert.ok(!server.seen.some(({ path }) => path.includes("/secrets/")));
  await stage.stopAgent();
});

Deno.test("a node without a stream is well again once nothing refuses it", async () => {
  let refuses = false;
  await using server = new TestServer((request) =>
    refuses && request.path !== "/v1/register"
      ? problem(401, "nsk_revoked")
      : answer(request)
  );
  await using stage = await Stage.open(2);
  await Deno.writeTextFile(stage.tokenFile, TOKEN, { mode: 0o600 });
  await stage.startAgent({
    url: server.url,
    settings: { stream: { reprobe_interval: "200ms" } },
  });
  const isRefused = ({ reasons }: StatusDocument) =>
    reasons.some(({ reason }) => reason === "unauthorized");
  const pullsOnly = (status: StatusDocument) =>
    status.stream.state === "pull_only" && !isRefused(status);
  await stage.statusWhen("it lives by pulls", pullsOnly);
  refuses = true;
  const { reasons } = await stage.statusWhen(
    "the stream is refused, too",
    (status) => status.stream.state === "refused" && isRefused(status),
  );
  assert.match(
    reasons.find(({ reason }) => reason === "unauthorized")!.detail,
    /status 401 \(nsk_revoked\)/,
  );
  refuses = false;
  await stage.statusWhen("nothing refuses it any more", pullsOnly);
  await stage.stopAgent();
});
