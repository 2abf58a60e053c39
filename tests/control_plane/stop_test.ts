import assert from "node:assert/strict";
import { RunningPlane } from "./running_plane.ts";
import type { SseReader } from "./sse_reader.ts";

/** All that a stream says about when to come back. */
async function retries(stream: SseReader): Promise<number[]> {
  const found: number[] = [];
  for (;;) {
    const block = await stream.block();
    if (block === undefined) return found;
    for (const [, ms] of block.matchAll(/^retry: (\d+)$/gm)) {
      found.push(Number(ms));
    }
  }
}

Deno.test("a server that stops tells each stream another time to come back", async () => {
  await using plane = await RunningPlane.start();
  const streams = [];
  for (let at = 0; at < 8; at++) {
    const node = await plane.join();
    streams.push(await node.events());
  }
  const told = Promise.all(streams.map(retries));
  await plane.stop();
  const last = (await told).map((all) => {
    assert.equal(all.length, 2);
    assert.equal(all[0], 1_000);
    return all[1]!;
  });
  assert.ok(last.every((ms) => ms >= 500 && ms <= 1_532), String(last));
  assert.ok(new Set(last).size > 1, "they would all come at once");
});
