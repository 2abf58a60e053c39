import assert from "node:assert/strict";
import { agentOf2, join2, type TestNode2 } from "./dialect2_node.ts";
import { RunningPlane } from "./running_plane.ts";

async function beat(node: TestNode2) {
  const answer = await node.call("POST", "/heartbeat", {
    client_now: new Date(node.plane.clock.now()).toISOString(),
    binary_checksum: "a".repeat(64),
    binary_version: "1",
    nat_summary: {},
  });
  assert.equal(answer.status, 200, answer.text);
}

async function reachability(node: TestNode2) {
  return (await node.state())["reachability"] as Record<string, string>;
}

Deno.test("each transition is an event, and a pull right after it shows the same", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const stream = await node.events();
  const agent = agentOf2(node);
  const start = plane.clock.now();
  const at = (ms: number) => new Date(start + ms).toISOString();
  const follow = async (from: string, to: string, changed: string) => {
    const { type, payload } = agent.take(await stream.next());
    assert.equal(type, "reachability_changed");
    assert.deepEqual(JSON.parse(payload), {
      node_id: node.id,
      from_state: from,
      to_state: to,
      changed_at: changed,
    });
    const { state, changed_at } = await reachability(node);
    assert.deepEqual([state, changed_at], [to, changed]);
  };
  assert.equal((await reachability(node))["state"], "");
  await beat(node);
  await follow("", "healthy", at(0));
  await plane.clock.advance(60_000);
  await beat(node);
  await plane.clock.advance(95_000);
  await follow("healthy", "stale", at(150_000));
  await plane.clock.advance(210_000);
  await follow("stale", "unreachable", at(360_000));
  await beat(node);
  await follow("unreachable", "healthy", at(365_000));
  await stream.close();
});

Deno.test("a node is not blamed for the time that the server was away", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  await beat(node);
  await plane.stop();
  plane.clock.jump(3_600_000);
  await plane.restart();
  await plane.clock.advance(60_000);
  assert.equal((await reachability(node))["state"], "healthy");
  await plane.clock.advance(40_000);
  assert.equal((await reachability(node))["state"], "stale");
});

Deno.test("thresholds are the operator's to set", async () => {
  await using plane = await RunningPlane.start({
    reachability: { staleAfterMs: 10_000, unreachableAfterMs: 20_000 },
  });
  const node = await join2(plane);
  await beat(node);
  await plane.clock.advance(15_000);
  assert.equal((await reachability(node))["state"], "stale");
  await plane.clock.advance(10_000);
  assert.equal((await reachability(node))["state"], "unreachable");
});

for (const jumpMs of [3_600_000, -3_600_000, 100_000, -100_000]) {
  Deno.test(`a clock that jumps by ${jumpMs} ms makes no node stale, and a silent one is still noticed`, async () => {
    await using plane = await RunningPlane.start();
    const [well, silent] = [await join2(plane), await join2(plane)];
    await beat(well);
    await beat(silent);
    plane.clock.jump(jumpMs);
    // It beats every 30 s, and a look is taken every 5 s.
    for (let at = 0; at < 3; at++) {
      await plane.clock.advance(29_000);
      for (const node of [well, silent]) {
        assert.equal((await reachability(node))["state"], "healthy");
      }
      await beat(well);
    }
    await plane.clock.advance(13_000);
    assert.equal((await reachability(well))["state"], "healthy");
    assert.equal((await reachability(silent))["state"], "stale");
    const { json } = await plane.admin("GET", `/nodes/${silent.id}`);
    const heard = Date.parse(String(json["last_heartbeat_at"]));
    assert.ok(heard <= plane.clock.now(), "heard of in a time to come");
  });
}

Deno.test("a clock that went back while the server was down hides no silent node", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  await beat(node);
  await plane.stop();
  plane.clock.jump(-3_600_000);
  await plane.restart();
  await plane.clock.advance(60_000);
  assert.equal((await reachability(node))["state"], "healthy");
  await plane.clock.advance(40_000);
  assert.equal((await reachability(node))["state"], "stale");
});
