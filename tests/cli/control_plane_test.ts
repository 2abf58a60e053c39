import assert from "node:assert/strict";
import { runPlexd } from "./run_plexd.ts";

Deno.test("control-plane --without names surfaces that there are", async () => {
  const { code, stderr } = await runPlexd([
    "control-plane",
    "--without=events,heartbeat",
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /--without names .*, not "heartbeat"/);
});

Deno.test("control-plane wants a longer silence before a node is unreachable", async () => {
  const { code, stderr } = await runPlexd([
    "control-plane",
    "--stale-after=5m",
    "--unreachable-after=5m",
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /--unreachable-after must be longer than --stale-after/);
});
