import assert from "node:assert/strict";
import { StatePulls } from "../../src/uplink/state_pulls.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { SNAPSHOT_MEDIA_TYPE } from "../../src/wire/signed_snapshot.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { TestServer } from "./serve.ts";

const never = new AbortController().signal;
const plain = '{"data":[],"policies":[],"secret_refs":[]}';

function pullsFrom(url: string): StatePulls {
  const client = new ControlClient({
    baseUrl: url,
    version: "1.2.3",
    clock: new FakeClock(),
    log: new MemoryLog(),
  });
  return new StatePulls({
    http: client.http,
    call: () => ({ method: "GET", path: "/v1/nodes/n/state", bearer: "b" }),
    parse: parseStateDocument,
  });
}

Deno.test("StatePulls.pull() asks for the signed form, and says what was applied", async () => {
  await using server = new TestServer(() =>
    new Response("{}", {
      headers: {
        "content-type": `${SNAPSHOT_MEDIA_TYPE}; charset=utf-8`,
        "x-plexd-trust-bundle": "7",
      },
    })
  );
  const pulls = pullsFrom(server.url);
  const answer = await pulls.pull({ epoch: 3, version: 4 }, never);
  assert.deepEqual(answer, { kind: "signed", text: "{}", bundleVersion: 7 });
  const { headers } = server.seen[0]!;
  assert.equal(
    headers.get("accept"),
    "application/vnd.plexd.snapshot+json, application/json;q=0.9",
  );
  assert.equal(headers.get("x-plexd-applied"), "3.4");
});

Deno.test("StatePulls.pull() takes a plain answer for what it is", async () => {
  await using server = new TestServer(() => new Response(plain));
  const answer = await pullsFrom(server.url).pull(undefined, never);
  assert.equal(answer.kind, "plain");
  assert.equal(server.seen[0]?.headers.has("x-plexd-applied"), false);
});

Deno.test("StatePulls.pull() asks plainly after a 406, and keeps to that", async () => {
  await using server = new TestServer(({ headers }) =>
    headers.get("accept") === "application/json"
      ? new Response(plain)
      : new Response("no", { status: 406 })
  );
  const pulls = pullsFrom(server.url);
  await pulls.pull(undefined, never);
  await pulls.pull(undefined, never);
  assert.equal(server.seen.length, 3);
});

Deno.test("StatePulls.pull() rejects with every other refusal", async () => {
  await using server = new TestServer(() => new Response("", { status: 500 }));
  const pull = pullsFrom(server.url).pull(undefined, never);
  await assert.rejects(pull, { kind: "server" });
});
