import assert from "node:assert/strict";
import { checkBaseUrl } from "../../src/uplink/base_url.ts";
import { Servers } from "../../src/uplink/servers.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const [a, b, c] = [
  "https://a.example",
  "https://b.example",
  "https://c.example",
]
  .map((url) => checkBaseUrl(url, false)) as [
    ReturnType<typeof checkBaseUrl>,
    ReturnType<typeof checkBaseUrl>,
    ReturnType<typeof checkBaseUrl>,
  ];

Deno.test("Servers begins with the first, and goes round as they fail", () => {
  const servers = new Servers([a, b, c], new FakeClock());
  assert.deepEqual(servers.inOrder(), [a, b, c]);
  assert.equal(servers.failed(a), b);
  assert.deepEqual(servers.inOrder(), [b, c, a]);
  servers.failed(b);
  assert.equal(servers.failed(c), a);
  assert.deepEqual(servers.inOrder(), [a, b, c]);
});

Deno.test("Servers hears once of a failure that several calls met", () => {
  const servers = new Servers([a, b], new FakeClock());
  servers.failed(a);
  assert.equal(servers.failed(a), undefined);
  assert.deepEqual(servers.inOrder(), [b, a]);
});

Deno.test("Servers goes back to the first five minutes after it failed", async () => {
  const clock = new FakeClock();
  const servers = new Servers([a, b], clock);
  await clock.advance(1_000_000);
  servers.failed(a);
  await clock.advance(299_999);
  assert.deepEqual(servers.inOrder(), [b, a]);
  await clock.advance(1);
  assert.deepEqual(servers.inOrder(), [a, b]);
  servers.failed(a);
  await clock.advance(299_999);
  assert.deepEqual(servers.inOrder(), [b, a]);
});

Deno.test("Servers keeps a single one, whatever becomes of it", () => {
  const servers = new Servers([a], new FakeClock());
  assert.equal(servers.failed(a), undefined);
  assert.deepEqual(servers.inOrder(), [a]);
});

Deno.test("Servers is exposed when one of them is", () => {
  const plain = checkBaseUrl("http://d.example", true);
  assert.equal(new Servers([a, b], new FakeClock()).exposed, false);
  assert.equal(new Servers([a, plain], new FakeClock()).exposed, true);
});
