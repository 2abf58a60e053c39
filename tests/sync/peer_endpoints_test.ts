import assert from "node:assert/strict";
import { applyPeerEndpoints } from "../../src/sync/peer_endpoints.ts";
import type { Peer } from "../../src/wire/state.ts";
import { inFolder, openStore } from "../store/open_store.ts";

function peer(id: string, endpoint: string): Peer {
  return {
    id,
    publicKey: "k",
    meshIp: "10.42.0.9",
    endpoint,
    allowedIps: [],
  };
}

Deno.test("applyPeerEndpoints() moves the peers it knows and leaves the others alone", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await using _closed = store;
    const peers = [peer("a", "192.0.2.1:1"), peer("b", "192.0.2.2:2")];
    await store.state.update(() => ({ peers }));
    const moved = [{ peerId: "b", endpoint: "192.0.2.9:9" }];
    assert.equal(await applyPeerEndpoints(store.state, moved), true);
    assert.deepEqual(store.state.view.peers, [
      peers[0],
      peer("b", "192.0.2.9:9"),
    ]);
    const { revision } = store.state.view;
    assert.equal(await applyPeerEndpoints(store.state, moved), true);
    assert.equal(store.state.view.revision, revision);
  }));

Deno.test("applyPeerEndpoints() says when a peer is not known", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await using _closed = store;
    await store.state.update(() => ({ peers: [peer("a", "")] }));
    const answer = [
      { peerId: "a", endpoint: "192.0.2.1:1" },
      { peerId: "z", endpoint: "192.0.2.2:2" },
    ];
    assert.equal(await applyPeerEndpoints(store.state, answer), false);
    assert.deepEqual(store.state.view.peers, [peer("a", "192.0.2.1:1")]);
  }));
