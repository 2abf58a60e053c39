import assert from "node:assert/strict";
import {
  parseNodeSecretsUpdate,
  parseNodeStateUpdate,
} from "../../src/wire/state_updates.ts";
import { settle } from "../fakes/fake_clock.ts";
import { RunningPlane } from "./running_plane.ts";
import type { SseFrame } from "./sse_reader.ts";
import { agentOf } from "./verifying_agent.ts";

Deno.test("events carry the changed part, signed, numbered and addressed", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const agent = agentOf(node);
  const stream = await node.events();
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const metadata = await stream.next();
  const update = parseNodeStateUpdate(agent.take(metadata).payload);
  assert.equal(metadata.event, "node_state_updated");
  assert.equal(update.nodeId, node.id);
  assert.equal(update.position?.version, 2);
  assert.deepEqual([...update.metadata ?? []], [["a", "1"]]);
  assert.equal(update.data, undefined);

  await node.admin("PUT", "/data/d", {
    content_type: "text/plain",
    payload: 1,
  });
  const data = parseNodeStateUpdate(agent.take(await stream.next()).payload);
  assert.equal(data.metadata, undefined);
  assert.deepEqual(data.data?.map((entry) => entry.payload), ["1"]);
  assert.equal(data.position?.version, 3);

  await node.admin("PUT", "/secrets/s", { value: "hush" });
  const frame = await stream.next();
  const secrets = parseNodeSecretsUpdate(agent.take(frame).payload);
  assert.equal(frame.event, "node_secrets_updated");
  assert.deepEqual(secrets.secretRefs, [{ key: "s", version: 1 }]);
  assert.ok(!frame.data.includes("hush"));
  await stream.close();
});

Deno.test("events are for the node they are about and no other", async () => {
  await using plane = await RunningPlane.start();
  const [here, there] = [await plane.join(), await plane.join()];
  const stream = await there.events();
  await here.admin("PUT", "/metadata/a", { value: "1" });
  await there.admin("PUT", "/metadata/b", { value: "2" });
  const { envelope } = await stream.next();
  assert.equal(parseNodeStateUpdate(envelope.payload).nodeId, there.id);
  await stream.close();
});

Deno.test("events missed while away come after Last-Event-ID, also after a restart", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const first = await node.events();
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const { id } = await first.next();
  await first.close();
  await node.admin("PUT", "/metadata/a", { value: "2" });
  await plane.restart();
  await node.admin("PUT", "/metadata/a", { value: "3" });
  const agent = agentOf(node);
  const second = await node.events(id);
  const versions = [await second.next(), await second.next()].map((frame) =>
    parseNodeStateUpdate(agent.take(frame).payload).position?.version
  );
  assert.deepEqual(versions, [3, 4]);
  await second.close();
});

Deno.test("events are signed anew for a node that was away for a day", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const before = await node.events();
  const first = await before.next();
  await before.close();
  plane.clock.jump(24 * 3_600_000);
  await plane.clock.advance(60_000);
  const after = await node.events();
  const again = await after.next();
  agentOf(node).take(again);
  assert.equal(again.id, first.id);
  assert.equal(again.envelope.id, first.envelope.id);
  assert.notEqual(again.envelope.nonce, first.envelope.nonce);
  await after.close();
});

for (
  const { when, ageMs, same } of [
    { when: "within a minute", ageMs: 59_999, same: true },
    { when: "after a minute", ageMs: 60_000, same: false },
  ]
) {
  Deno.test(`events ${same ? "share" : "do not share"} a signature ${when}`, async () => {
    await using plane = await RunningPlane.start();
    const nodes = [await plane.join(), await plane.join()];
    await plane.admin("POST", "/signing-keys/rotate", {});
    const frames: SseFrame[] = [];
    for (const node of nodes) {
      const stream = await node.events();
      frames.push(await stream.nextOf("signing_key_rotated"));
      await stream.close();
      await plane.clock.advance(ageMs);
    }
    assert.equal(frames[0]?.data === frames[1]?.data, same);
  });
}

Deno.test("events of before, at and after rotations verify in their order", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/metadata/a", { value: "1" });
  await plane.admin("POST", "/signing-keys/rotate", { transition: "1m" });
  await node.admin("PUT", "/metadata/a", { value: "2" });
  await plane.admin("POST", "/signing-keys/rotate", { transition: "0s" });
  await node.admin("PUT", "/metadata/a", { value: "3" });
  await plane.restart();
  await plane.clock.advance(3_600_000);
  const agent = agentOf(node);
  const stream = await node.events();
  const types: string[] = [];
  for (let count = 0; count < 5; count++) {
    types.push(agent.take(await stream.next()).type);
  }
  assert.deepEqual(types, [
    "node_state_updated",
    "signing_key_rotated",
    "node_state_updated",
    "signing_key_rotated",
    "node_state_updated",
  ]);
  await stream.close();
});

Deno.test("a key rotation reaches the nodes of every domain", async () => {
  await using plane = await RunningPlane.start();
  const nodes = [await plane.join(), await plane.join("elsewhere")];
  await plane.admin("POST", "/signing-keys/rotate", {});
  for (const node of nodes) {
    const stream = await node.events();
    agentOf(node).take(await stream.next());
    await stream.close();
  }
});

for (
  const { what, cursor, expected } of [
    { what: "no cursor", cursor: undefined, expected: "3" },
    { what: "a cursor that is no number", cursor: "x", expected: "3" },
    { what: "a cursor from the future", cursor: "999", expected: "3" },
    {
      what: "a cursor of before it was registered",
      cursor: "0",
      expected: "3",
    },
    {
      what: "the cursor of its last but one event",
      cursor: "3",
      expected: "4",
    },
  ]
) {
  Deno.test(`a stream with ${what} starts with event ${expected}`, async () => {
    await using plane = await RunningPlane.start();
    await (await plane.join()).admin("PUT", "/metadata/a", { value: "1" });
    // Its own event of before, and the one that tells of it, are for the other.
    const node = await plane.join();
    await node.admin("PUT", "/metadata/a", { value: "1" });
    await node.admin("PUT", "/metadata/a", { value: "2" });
    const stream = await node.events(cursor);
    assert.equal((await stream.next()).id, expected);
    await stream.close();
  });
}

Deno.test("an event too large for a stream is a hint without the part", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const stream = await node.events();
  const value = "x".repeat(1_000_000);
  await node.admin("PUT", "/metadata/a", { value });
  const whole = parseNodeStateUpdate((await stream.next()).envelope.payload);
  assert.equal(whole.metadata?.size, 1);
  await node.admin("PUT", "/metadata/b", { value });
  const hint = parseNodeStateUpdate((await stream.next()).envelope.payload);
  assert.equal(hint.metadata, undefined);
  assert.equal(hint.data, undefined);
  assert.equal(hint.position?.version, 3);
  await stream.close();
});

Deno.test("a quiet stream says every 25 s that it is alive", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const stream = await node.events();
  assert.equal(await stream.block(), ":keep-alive\nretry: 1000");
  for (let beat = 0; beat < 3; beat++) {
    const block = stream.block();
    let came = false;
    block.then(() => came = true);
    await plane.clock.advance(24_999);
    assert.equal(came, false);
    await plane.clock.advance(1);
    assert.equal(await block, ":keep-alive");
  }
  await stream.close();
});

Deno.test("a stream whose client takes nothing is cut, others go on", async () => {
  await using plane = await RunningPlane.start();
  const [slow, other] = [await plane.join(), await plane.join()];
  const { hostname, port } = new URL(plane.url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(
    new TextEncoder().encode(
      `GET /v1/nodes/${slow.id}/events HTTP/1.1\r\nHost: h\r\n` +
        `Authorization: Bearer ${slow.secretKey}\r\n\r\n`,
    ),
  );
  const stream = await other.events();
  for (let count = 0; count < 24; count++) {
    await slow.admin("PUT", "/metadata/a", {
      value: String(count).padStart(1_000_000),
    });
  }
  for (let beat = 0; beat < 3; beat++) {
    await settle(50);
    await plane.clock.advance(25_000);
  }
  const ended = plane.log.lines.filter((line) =>
    line.message === "Event stream ended"
  );
  assert.deepEqual(
    ended.map(({ fields }) => [fields["node_id"], fields["reason"]]),
    [[slow.id, "slow_consumer"]],
  );
  await other.admin("PUT", "/metadata/a", { value: "1" });
  await stream.next();
  await stream.close();
});

Deno.test("a node's fifth stream ends its first", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const streams = [];
  for (let count = 0; count < 5; count++) streams.push(await node.events());
  assert.equal(await streams[0]?.block(), ":keep-alive\nretry: 1000");
  assert.equal(await streams[0]?.block(), undefined);
  await node.admin("PUT", "/metadata/a", { value: "1" });
  for (const stream of streams.slice(1)) await stream.next();
  for (const stream of streams) await stream.close();
});

Deno.test("removing a node ends its stream", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const stream = await node.events();
  await stream.block();
  await node.admin("DELETE", "");
  assert.equal(await stream.block(), undefined);
});

Deno.test("run() ends open streams cleanly when it is stopped", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const stream = await node.events();
  await stream.block();
  await plane.stop();
  assert.match((await stream.block())!, /^:back-later\nretry: \d+$/);
  assert.equal(await stream.block(), undefined);
});

Deno.test("events older than seven days are removed, and their numbers not given again", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/metadata/a", { value: "1" });
  plane.clock.jump(7 * 24 * 3_600_000);
  await plane.clock.advance(3_600_000);
  await plane.restart();
  const { json } = await node.admin("GET", "/events");
  assert.deepEqual(json["events"], []);
  await node.admin("PUT", "/metadata/a", { value: "2" });
  const stream = await node.events("1");
  assert.equal((await stream.next()).id, "2");
  await stream.close();
});
