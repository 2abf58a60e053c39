import assert from "node:assert/strict";
import type { PeerObservation } from "../../src/store/peer_cache.ts";
import { ALTERNATIVES_KEPT, MAX_ROUTES } from "../../src/store/route_cache.ts";
import {
  computeRoutes,
  ROUTE_LIFETIME_MS,
} from "../../src/sync/compute_routes.ts";
import type { Peer } from "../../src/wire/state.ts";

const NOW_MS = 1_000_000;

function peer(id: string, fields: Partial<Peer> = {}): Peer {
  return {
    id,
    publicKey: "k",
    meshIp: `10.42.0.${id.charCodeAt(0) - 96}`,
    endpoint: "192.0.2.1:51820",
    allowedIps: [],
    ...fields,
  };
}

function observed(
  peerId: string,
  score: number,
  more: Partial<PeerObservation> = {},
): PeerObservation {
  return { peerId, lastTriedMs: 1, tries: "1", score, failures: [], ...more };
}

const routes = (
  peers: readonly Peer[],
  observations: readonly PeerObservation[] = [],
) =>
  computeRoutes({
    peers,
    observed: (id) => observations.find(({ peerId }) => peerId === id),
  }, NOW_MS);

Deno.test("each address that a peer answers for has a route, once", () => {
  const b = peer("b", {
    allowedIps: ["10.42.0.2/32", "192.168.7.0/24", "::1"],
  });
  assert.deepEqual(routes([b]).map(({ destination }) => destination), [
    "10.42.0.2/32",
    "192.168.7.0/24",
    "::1/128",
  ]);
});

Deno.test("a route without observations says nothing of scores, successes or failures", () => {
  assert.deepEqual(routes([peer("b")]), [{
    destination: "10.42.0.2/32",
    selected: { peerId: "b", routeClass: "direct" },
    alternatives: [],
    expiresAtMs: NOW_MS + ROUTE_LIFETIME_MS,
  }]);
});

Deno.test("the best score is selected, the others are alternatives, best first", () => {
  const shared = { allowedIps: ["192.168.7.0/24"] };
  const peers = ["b", "c", "d", "e"].map((id) => peer(id, shared));
  peers.push(peer("f", { ...shared, endpoint: "" }));
  const route = routes(peers, [
    observed("b", 0.2),
    observed("c", 0.9, { lastSuccessMs: 5 }),
    observed("e", 0.4, {
      lastSuccessMs: 3,
      failures: [{ atMs: 7, reason: "timeout" }],
    }),
    observed("f", 1),
  ]).find(({ destination }) => destination === "192.168.7.0/24");
  assert.deepEqual(route?.selected, {
    peerId: "c",
    routeClass: "direct",
    score: 0.9,
  });
  assert.deepEqual(
    route?.alternatives.map(({ peerId }) => peerId),
    ["d", "e", "b", "f"],
  );
  assert.deepEqual(route?.lastSuccess, { peerId: "c", atMs: 5 });
  assert.deepEqual(route?.lastFailure, {
    peerId: "e",
    atMs: 7,
    reason: "timeout",
  });
});

for (
  const text of [
    "",
    "everything",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.1/a",
    "fe80::1%eth0",
  ]
) {
  Deno.test(`there is no route to ${JSON.stringify(text)}`, () => {
    assert.deepEqual(routes([peer("b", { meshIp: text })]), []);
  });
}

Deno.test("routes and their alternatives are bounded", () => {
  const many = Array.from(
    { length: MAX_ROUTES + 1 },
    (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
  );
  assert.equal(routes([peer("b", { allowedIps: many })]).length, MAX_ROUTES);
  const shared = Array.from(
    { length: 20 },
    (_, at) => peer(`p${at}`, { meshIp: "10.9.9.9" }),
  );
  const [route] = routes(shared);
  assert.equal(route?.alternatives.length, ALTERNATIVES_KEPT);
});
