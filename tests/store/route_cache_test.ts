import assert from "node:assert/strict";
import { type Route, RouteCache } from "../../src/store/route_cache.ts";
import { inFolder } from "./open_store.ts";
import { storeContext } from "./store_context.ts";

const FULL: Route = {
  destination: "10.42.0.2/32",
  selected: { peerId: "n_b", routeClass: "direct", score: 0.9 },
  alternatives: [{ peerId: "n_c", routeClass: "no_endpoint" }],
  expiresAtMs: 1_000,
  lastSuccess: { peerId: "n_b", atMs: 5 },
  lastFailure: { peerId: "n_c", atMs: 7, reason: "error" },
};
const BARE: Route = {
  destination: "10.42.0.3/32",
  selected: { peerId: "n_c", routeClass: "no_endpoint" },
  alternatives: [],
  expiresAtMs: 1_000,
};

Deno.test("routes last across a restart as they were", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const cache = RouteCache.open(opened.context);
    assert.deepEqual(cache.routes, []);
    cache.replace([FULL, BARE]);
    await cache.flush();
    assert.deepEqual(RouteCache.open(opened.context).routes, [FULL, BARE]);
    await cache.forget();
    assert.deepEqual(RouteCache.open(opened.context).routes, []);
    assert.deepEqual(opened.recovered, []);
  }));
