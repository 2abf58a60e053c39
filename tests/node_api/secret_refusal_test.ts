import assert from "node:assert/strict";
import {
  type SecretRefusal,
  SecretUnavailableError,
} from "../../src/node_api/secret_unavailable.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { vectors } from "../vectors/load.ts";
import { FakeSources } from "./fake_sources.ts";
import { call } from "./raw_http.ts";
import { startApi } from "./running_api.ts";

const target = "/v1/state/secrets/db-password";
const [valid] = vectors.secrets_dialect1;

function withSecret(): FakeSources {
  const sources = new FakeSources();
  sources.secrets.key = nodeSecretToKey(valid!.nsk);
  sources.secrets.answers.set("db-password", valid!.response);
  return sources;
}

const reasons: readonly SecretRefusal[] = [
  "equivocation",
  "restore_unconfirmed",
  "not_enrolled",
];
for (const reason of reasons) {
  Deno.test(`GET of a secret says with 503 that it is refused for ${reason}`, async () => {
    const sources = withSecret();
    sources.secrets.fetch = () =>
      Promise.reject(new SecretUnavailableError(reason));
    await using running = await startApi(sources);
    const { status, headers, body } = await call(running.secretsSocket, target);
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(body), {
      error: "control plane unavailable",
      reason,
    });
    assert.equal(headers.get("cache-control"), "no-store");
  });
}

Deno.test("no answer about the value of a secret may be kept by a cache, whatever its status", async () => {
  const sources = withSecret();
  const [, , wrongKey] = vectors.secrets_dialect1;
  sources.secrets.answers.set("broken", {
    ...(wrongKey ?? valid!).response,
    ciphertext: "AAAA",
  });
  const kinds = [
    "not_found",
    "forbidden",
    "unauthorized",
    "rate_limited",
    "server",
  ] as const;
  await using running = await startApi(sources);
  const seen = new Set<number>();
  const ask = async (address: string, path: string, method = "GET") => {
    const { status, headers } = await call(address, path, { method });
    assert.equal(headers.get("cache-control"), "no-store", `${status} ${path}`);
    seen.add(status);
  };
  await ask(running.secretsSocket, target);
  await ask(running.secretsSocket, target, "HEAD");
  await ask(running.secretsSocket, "/v1/state/secrets/broken");
  await ask(running.secretsSocket, "/v1/state/secrets/%ff");
  await ask(running.socket, target);
  for (const kind of kinds) {
    sources.secrets.failures.push(new ControlError(kind, "It failed"));
    await ask(running.secretsSocket, target);
  }
  sources.secrets.failures.push(new Error("unexpected"));
  await ask(running.secretsSocket, target);
  assert.deepEqual([...seen].sort(), [200, 403, 404, 429, 500, 503]);
});

Deno.test("credentials are brought up to date before each secret is asked for", async () => {
  const sources = withSecret();
  const order: string[] = [];
  sources.before = () => {
    order.push("refresh");
    return Promise.resolve();
  };
  const { fetch } = sources.secrets;
  sources.secrets.fetch = (key, signal) => {
    order.push("ask");
    return fetch.call(sources.secrets, key, signal);
  };
  await using running = await startApi(sources);
  await call(running.secretsSocket, target);
  await call(running.secretsSocket, target);
  assert.deepEqual(order, ["refresh", "ask", "refresh", "ask"]);
  await call(running.socket, target);
  await call(running.secretsSocket, "/v1/state/secrets");
  assert.equal(order.length, 4);
});
