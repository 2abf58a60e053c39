import assert from "node:assert/strict";
import { applyUpdatedPeers } from "../../src/sync/updated_peers.ts";
import type { Peer } from "../../src/wire/state.ts";
import { MemoryState } from "./memory_state.ts";

function peer(id: string, publicKey: string): Peer {
  return { id, publicKey, meshIp: "10.0.0.1", endpoint: "", allowedIps: [] };
}

Deno.test("updated peers replace those of their ids, and others stay", async () => {
  const state = new MemoryState({ peers: [peer("a", "1"), peer("b", "1")] });
  await applyUpdatedPeers(state, [peer("b", "2"), peer("c", "2")]);
  assert.deepEqual(
    state.view.peers.map(({ id, publicKey }) => [id, publicKey]),
    [["a", "1"], ["b", "2"], ["c", "2"]],
  );
});

Deno.test("no updated peers change nothing", async () => {
  const state = new MemoryState({ peers: [peer("a", "1")] });
  await applyUpdatedPeers(state, []);
  assert.equal(state.view.revision, 0);
});
