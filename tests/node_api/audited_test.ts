import assert from "node:assert/strict";
import { ControlError } from "../../src/uplink/control_error.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { vectors } from "../vectors/load.ts";
import { FakeSources } from "./fake_sources.ts";
import { call } from "./raw_http.ts";
import { httpSettings, startApi } from "./running_api.ts";

const [valid] = vectors.secrets_dialect1;

function withSecret(): FakeSources {
  const sources = new FakeSources();
  sources.secrets.key = nodeSecretToKey(valid!.nsk);
  sources.secrets.answers.set("db/password", valid!.response);
  return sources;
}

Deno.test("every read of a secret is told with its name, its socket and its outcome", async () => {
  const sources = withSecret();
  await using running = await startApi(sources);
  const { socket, secretsSocket } = running;
  await call(secretsSocket, "/v1/state/secrets/db%2Fpassword");
  await call(secretsSocket, "/v1/state/secrets/unknown");
  await call(socket, "/v1/state/secrets/db%2Fpassword");
  sources.secrets.failures.push(new ControlError("server", "Status 503"));
  await call(secretsSocket, "/v1/state/secrets/db%2Fpassword");
  assert.deepEqual(sources.reads, [
    { key: "db/password", listener: secretsSocket, status: 200 },
    { key: "unknown", listener: secretsSocket, status: 404 },
    { key: "db/password", listener: socket, status: 403 },
    { key: "db/password", listener: secretsSocket, status: 503 },
  ]);
  assert.ok(!JSON.stringify(sources.reads).includes(valid!.value!));
});

Deno.test("reads of secrets over TCP and reads that fail unexpectedly are told, too", async () => {
  const sources = withSecret();
  sources.secrets.failures.push(new Error("unexpected"));
  await using running = await startApi(
    sources,
    (folder) => httpSettings(folder, "t0ken"),
  );
  const answer = await call(
    running.api.httpPort!,
    "/v1/state/secrets/db%2Fpassword",
    { headers: { Authorization: "Bearer t0ken" } },
  );
  assert.equal(answer.status, 500);
  assert.deepEqual(sources.reads, [
    { key: "db/password", listener: "127.0.0.1:0", status: 500 },
  ]);
});

Deno.test("lists of secret names are no reads, and names stay out of the log", async () => {
  const sources = withSecret();
  await using running = await startApi(sources);
  await call(running.secretsSocket, "/v1/state/secrets");
  assert.deepEqual(sources.reads, []);
  sources.secrets.failures.push(new ControlError("server", "Status 503"));
  await call(running.secretsSocket, "/v1/state/secrets/db%2Fpassword");
  assert.ok(!running.log.text.includes("password"));
});

const odd = [
  { asked: "%00", told: "%00" },
  { asked: "a%0Ab%1B%5B2J", told: "a%0Ab%1B%5B2J" },
  { asked: "%ff", told: "%ff" },
  { asked: "%ED%A0%80", told: "%ED%A0%80" },
  { asked: "n%C3%A4me%20x", told: "n\u00e4me x" },
  // Half of the last character would be left.
  {
    asked: `${"x".repeat(1_023)}%F0%9F%98%80`,
    told: `${"x".repeat(1_023)}\ufffd`,
  },
];
for (const { asked, told } of odd) {
  Deno.test(`a read of ${asked.slice(-20)} is told in a form that any database takes`, async () => {
    const sources = withSecret();
    await using running = await startApi(sources);
    await call(running.secretsSocket, `/v1/state/secrets/${asked}`);
    assert.deepEqual(sources.reads.map(({ key }) => key), [told]);
  });
}
