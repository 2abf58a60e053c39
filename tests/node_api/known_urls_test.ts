import assert from "node:assert/strict";
import { KnownUrls } from "../../src/node_api/known_urls.ts";
import { RequestCounts } from "../../src/node_api/metrics/request_counts.ts";
import { type Destination, Router } from "../../src/node_api/router.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { call } from "./raw_http.ts";
import { startApi } from "./running_api.ts";

function destination(): Destination {
  const GET = () => new Response();
  const counts = new RequestCounts(new FakeClock());
  return new Router([["/v1/state", { GET }]], counts).find("/v1/state")!;
}

Deno.test("KnownUrls.get() knows a URL only with the Host field it was split by", () => {
  const known = new KnownUrls();
  const there = destination();
  known.add("http+unix://a/v1/state", "a", there);
  assert.equal(known.get("http+unix://a/v1/state", "a"), there);
  assert.equal(known.get("http+unix://a/v1/state", "b"), undefined);
  assert.equal(known.get("http+unix://a/v1/state", null), undefined);
  known.add("http+unix://b/v1/state", "b", there);
  assert.equal(known.get("http+unix://a/v1/state", "a"), undefined);
  assert.equal(known.get("http+unix://a/v1/state", "b"), undefined);
});

Deno.test("KnownUrls.add() forgets when it is full, and takes no long URL", () => {
  const known = new KnownUrls();
  const there = destination();
  for (let n = 0; n < 2_048; n++) known.add(`u${n}`, "a", there);
  assert.equal(known.get("u0", "a"), there);
  known.add("one more", "a", there);
  assert.equal(known.get("u0", "a"), undefined);
  assert.equal(known.get("one more", "a"), there);
  known.add("x".repeat(257), "a", there);
  assert.equal(known.get("x".repeat(257), "a"), undefined);
});

Deno.test("NodeApi refuses a foreign absolute target also after it has served the same URL", async () => {
  await using running = await startApi();
  const url = "http+unix://localhost/v1/state";
  assert.equal((await call(running.socket, "/v1/state")).status, 200);
  assert.equal((await call(running.socket, url)).status, 200);
  const foreign = await call(running.socket, url, { host: "other" });
  assert.equal(foreign.status, 400);
});
