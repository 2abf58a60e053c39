import assert from "node:assert/strict";
import {
  ControlError,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { vectors } from "../vectors/load.ts";
import { FakeSources } from "./fake_sources.ts";
import { type Address, call, dial, send } from "./raw_http.ts";
import { httpSettings, startApi } from "./running_api.ts";

const target = "/v1/state/secrets/db-password";
const [valid] = vectors.secrets_dialect1;
const bearer = { Authorization: "Bearer t0ken" };

/** A node with one secret, `s3cret`. */
function withSecret(): FakeSources {
  const sources = new FakeSources();
  sources.secrets.key = nodeSecretToKey(valid!.nsk);
  sources.secrets.answers.set("db-password", valid!.response);
  return sources;
}

function keyOf(text: string): Uint8Array {
  try {
    return nodeSecretToKey(text);
  } catch {
    return new Uint8Array();
  }
}

for (const vector of vectors.secrets_dialect1) {
  Deno.test(`GET of a secret agrees with vector "${vector.name}"`, async () => {
    const sources = new FakeSources();
    sources.secrets.key = keyOf(vector.nsk);
    sources.secrets.answers.set("db-password", vector.response);
    await using running = await startApi(sources);
    const answer = await call(running.secretsSocket, target);
    if (vector.expect === "ok") {
      assert.equal(answer.status, 200);
      assert.deepEqual(JSON.parse(answer.body), {
        key: vector.response.key,
        value: vector.value,
        version: vector.response.version,
      });
      assert.equal(answer.headers.get("cache-control"), "no-store");
      assert.equal(answer.headers.has("etag"), false);
    } else {
      assert.equal(answer.status, 500);
      assert.equal(answer.body, '{"error":"internal error"}\n');
    }
    if (vector.value) assert.ok(!running.log.text.includes(vector.value));
  });
}

Deno.test("GET of a secret asks the control plane each time and consults no index", async () => {
  const sources = withSecret();
  await using running = await startApi(sources);
  await call(running.secretsSocket, target);
  await call(running.secretsSocket, target);
  await call(running.secretsSocket, "/v1/state/secrets/a%2Fb%20c");
  assert.deepEqual(sources.secrets.asked, [
    "db-password",
    "db-password",
    "a/b c",
  ]);
});

const unreachable = {
  error: "control plane unavailable",
  reason: "control_plane_unreachable",
};
const unauthorized = { ...unreachable, reason: "unauthorized" };
const upstream: readonly [
  kind: ControlFailure,
  status: number,
  body: unknown,
][] = [
  ["not_found", 404, { error: "not found" }],
  ["unauthorized", 503, unauthorized],
  ["forbidden", 403, { error: "forbidden by the control plane" }],
  ["rate_limited", 429, { error: "rate limited by the control plane" }],
  ["server", 503, unreachable],
  ["unreachable", 503, unreachable],
  ["timeout", 503, unreachable],
  ["bad_answer", 503, unreachable],
  ["unexpected_status", 503, unreachable],
];

for (const [kind, status, body] of upstream) {
  Deno.test(`GET of a secret answers ${status} when the control plane answers "${kind}"`, async () => {
    const sources = withSecret();
    sources.secrets.failures.push(new ControlError(kind, "It failed"));
    await using running = await startApi(sources);
    const answer = await call(running.secretsSocket, target);
    assert.equal(answer.status, status);
    assert.deepEqual(JSON.parse(answer.body), body);
    assert.equal(answer.headers.has("etag"), false);
  });
}

const asked: [retryAfterMs: number | undefined, header: string | undefined][] =
  [
    [undefined, undefined],
    [0, "0"],
    [1_500, "2"],
    [30_000, "30"],
    [1e30, "3600"],
  ];

for (const [retryAfterMs, header] of asked) {
  Deno.test(`GET of a secret passes a wait of ${retryAfterMs} ms on as Retry-After ${header}`, async () => {
    const sources = withSecret();
    const details = retryAfterMs === undefined ? {} : { retryAfterMs };
    const failure = new ControlError("rate_limited", "Too many", details);
    sources.secrets.failures.push(failure);
    await using running = await startApi(sources);
    const answer = await call(running.secretsSocket, target);
    assert.equal(answer.status, 429);
    assert.equal(answer.headers.get("retry-after"), header);
    assert.equal(answer.headers.get("cache-control"), "no-store");
  });
}

Deno.test("GET of a secret answers a bare 500 to a failure that nobody expected", async () => {
  const sources = withSecret();
  sources.secrets.failures.push(new Error("internal detail"));
  await using running = await startApi(sources);
  const answer = await call(running.secretsSocket, target);
  assert.equal(answer.status, 500);
  assert.equal(answer.body, '{"error":"internal error"}\n');
});

Deno.test("GET of a secret asks nothing for a key that no path can carry", async () => {
  const sources = withSecret();
  await using running = await startApi(sources);
  const keys = ["%2e", "%2e%2e", ".", "..", "%zz", "%ff", "x".repeat(1025), ""];
  for (const key of keys) {
    const path = `/v1/state/secrets/${key}`;
    assert.equal((await call(running.secretsSocket, path)).status, 404, path);
  }
  assert.deepEqual(sources.secrets.asked, []);
});

Deno.test("secret values are withheld on api.sock, while names are not", async () => {
  const sources = withSecret();
  sources.state.view = {
    ...sources.state.view,
    secretRefs: [{ key: "db-password", version: 3 }],
  };
  await using running = await startApi(sources);
  for (const key of ["db-password", "unknown", "%zz"]) {
    const answer = await call(running.socket, `/v1/state/secrets/${key}`);
    assert.equal(answer.status, 403);
    assert.equal(
      answer.body,
      '{"error":"forbidden: insufficient privileges for secret access"}\n',
    );
  }
  assert.deepEqual(sources.secrets.asked, []);
  const names = await call(running.socket, "/v1/state/secrets");
  assert.equal(names.body, '[{"key":"db-password","version":3}]\n');
});

Deno.test("secret values are on the only socket when secrets are not split off", async () => {
  await using running = await startApi(
    withSecret(),
    () => ({ splitSecrets: false }),
  );
  assert.equal((await call(running.socket, target)).status, 200);
  await assert.rejects(
    Deno.stat(running.secretsSocket),
    Deno.errors.NotFound,
  );
});

for (const [secrets, status] of [[true, 200], [false, 403]] as const) {
  Deno.test(`secret values on TCP answer ${status} when they are ${secrets ? "" : "not "}wanted there`, async () => {
    await using running = await startApi(
      withSecret(),
      (folder) => httpSettings(folder, "t0ken", { secrets }),
    );
    const address: Address = running.api.httpPort!;
    const answer = await call(address, target, { headers: bearer });
    assert.equal(answer.status, status);
  });
}

Deno.test("a secret that is still being asked for is given up when its reader goes away", async () => {
  const sources = withSecret();
  sources.secrets.hangs = true;
  const given = Promise.withResolvers<void>();
  const { fetch } = sources.secrets;
  const asked = Promise.withResolvers<void>();
  sources.secrets.fetch = (key, signal) => {
    signal.addEventListener("abort", () => given.resolve(), { once: true });
    asked.resolve();
    return fetch.call(sources.secrets, key, signal);
  };
  await using running = await startApi(sources);
  const connection = await dial(running.secretsSocket);
  await send(connection, target);
  await asked.promise;
  connection.close();
  await given.promise;
});
