import assert from "node:assert/strict";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { Dialect2Uplink } from "../../src/uplink/dialect2_uplink.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { nodeOf } from "./node_of.ts";
import { credentials } from "./refreshing.ts";
import { failureFrom, TestServer } from "./serve.ts";

const never = new AbortController().signal;
const GIVEN = credentials(0, 60_000);

function clientOf({ url }: TestServer, log = new MemoryLog()): ControlClient {
  const clock = new FakeClock();
  return new ControlClient({ baseUrl: url, version: "1", clock, log });
}

Deno.test("carrierCredentials() asks in the node's name, in either dialect", async () => {
  await using server = new TestServer(() => Response.json(GIVEN));
  using client = clientOf(server);
  const node = { http: client.http, nodeId: "n", bearer: () => "b" };
  const clock = new FakeClock();
  const uplinks = [
    nodeOf(client),
    new Dialect2Uplink({ ...node, version: "1", clock }),
  ];
  for (const uplink of uplinks) {
    assert.deepEqual(await uplink.carrierCredentials(never), GIVEN);
    const { method, path, headers, body } = server.seen.at(-1)!;
    assert.equal(`${method} ${path}`, "POST /v1/nodes/n/credentials");
    assert.equal(headers.get("authorization"), "Bearer b");
    assert.equal(new TextDecoder().decode(body), '{"carrier":"nats"}');
  }
});

const broken: readonly (readonly [string, unknown])[] = [
  ["no servers", { ...GIVEN, servers: [] }],
  ["no seed", { ...GIVEN, user_seed: "" }],
  ["a wildcard for a consumer", { ...GIVEN, consumer: "*" }],
  ["two tokens for a stream", { ...GIVEN, stream: "A.B" }],
  ["a wildcard in its inbox", { ...GIVEN, inbox_prefix: "_INBOX.>" }],
  ["a line end in its inbox", { ...GIVEN, inbox_prefix: "a\r\nPUB x 0" }],
  ["another carrier", { ...GIVEN, carrier: "mqtt" }],
  ["no object", []],
];
for (const [what, answer] of broken) {
  Deno.test(`carrierCredentials() refuses an answer with ${what}, and repeats nothing of it`, async () => {
    await using server = new TestServer(() => Response.json(answer));
    const log = new MemoryLog();
    using client = clientOf(server, log);
    const error = await failureFrom(nodeOf(client).carrierCredentials(never));
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "bad_answer");
    const told = `${error.message} ${log.text}`;
    assert.ok(!told.includes(GIVEN.user_jwt), told);
    assert.ok(!told.includes(GIVEN.user_seed), told);
  });
}
