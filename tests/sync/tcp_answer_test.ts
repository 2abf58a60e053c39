import assert from "node:assert/strict";
import { Socket } from "node:net";
import { systemClock } from "../../src/platform/clock.ts";
import { tcpAnswer } from "../../src/sync/tcp_answer.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const host = "127.0.0.1";
const real = { timeoutMs: 60_000, clock: systemClock };
const never = () => new AbortController().signal;

/** A listener that takes one connection into its queue and accepts none. */
async function fullListener(work: (port: number) => Promise<void>) {
  const listener = Deno.listen({ hostname: host, port: 0 });
  try {
    await work((listener.addr as Deno.NetAddr).port);
  } finally {
    listener.close();
  }
}

Deno.test("a peer that takes a connection has answered", () =>
  fullListener(async (port) => {
    const result = await tcpAnswer({ host, port }, real, never());
    assert.ok(result.answered && result.latencyMs >= 0);
  }));

Deno.test("a peer that refuses a connection has answered, too", async () => {
  let closed = 0;
  await fullListener((port) => {
    closed = port;
    return Promise.resolve();
  });
  const address = { host, port: closed };
  const result = await tcpAnswer(address, real, never());
  assert.equal(result.answered, true);
});

Deno.test("a try that takes too long is over and leaves nothing open", async () => {
  const clock = new FakeClock();
  const silent = new Socket();
  const result = tcpAnswer(
    { host, port: 9 },
    { timeoutMs: 2_000, clock, open: () => silent },
    never(),
  );
  await clock.advance(2_000);
  assert.deepEqual(await result, { answered: false, reason: "timeout" });
  assert.ok(silent.destroyed);
});

Deno.test("a try that is stopped is over and leaves nothing open", async () => {
  const clock = new FakeClock();
  const silent = new Socket();
  const stop = new AbortController();
  const result = tcpAnswer(
    { host, port: 9 },
    { timeoutMs: 2_000, clock, open: () => silent },
    stop.signal,
  );
  stop.abort();
  assert.equal((await result).answered, false);
  assert.ok(silent.destroyed);
  assert.deepEqual(clock.sleeping, []);
});

for (
  const [code, reason] of [
    ["EHOSTUNREACH", "unreachable"],
    ["ENETUNREACH", "unreachable"],
    ["ETIMEDOUT", "timeout"],
    ["ECONNRESET", "error"],
  ]
) {
  Deno.test(`a connection that fails with ${code} counts as ${reason}`, async () => {
    const clock = new FakeClock();
    const broken = new Socket();
    const result = tcpAnswer(
      { host, port: 9 },
      { timeoutMs: 2_000, clock, open: () => broken },
      never(),
    );
    broken.destroy(Object.assign(new Error("no"), { code }));
    assert.deepEqual(await result, { answered: false, reason });
  });
}
