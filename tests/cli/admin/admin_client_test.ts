import assert from "node:assert/strict";
import { AdminClient, AdminError } from "../../../src/cli/admin_client.ts";
import { FakeClock, settle } from "../../fakes/fake_clock.ts";

/** Calls a server through a client whose clock is moved by hand. */
async function withServer(
  answer: () => Response | Promise<Response>,
  work: (client: AdminClient, clock: FakeClock) => Promise<void>,
) {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    answer,
  );
  const clock = new FakeClock();
  using http = Deno.createHttpClient({});
  const url = `http://127.0.0.1:${server.addr.port}`;
  const token = () => Promise.resolve("a token");
  await work(new AdminClient(url, token, http, { clock }), clock);
}

/** As {@linkcode withServer}, with one that takes a call and says nothing. */
async function withSilentServer(
  work: (
    client: AdminClient,
    clock: FakeClock,
    asked: Promise<void>,
  ) => Promise<void>,
) {
  const asked = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  await withServer(async () => {
    asked.resolve();
    await over.promise;
    return new Response();
  }, async (client, clock) => {
    try {
      await work(client, clock, asked.promise);
    } finally {
      over.resolve();
    }
  });
}

/** What a call fails with. */
function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then((value) => assert.fail(`${value}`), (error) => error);
}

function causeOf(error: unknown): string {
  assert.ok(error instanceof AdminError, String(error));
  assert.equal(error.status, undefined);
  assert.ok(error.cause instanceof Error);
  return error.cause.message;
}

Deno.test("AdminClient gives up a GET whose answer does not begin within 10 s", async () => {
  await withSilentServer(async (client, clock, asked) => {
    const failure = failureOf(client.text("GET", "/nodes"));
    await asked;
    await clock.advance(9_999);
    assert.deepEqual(clock.sleeping, [1, 20_001]);
    await clock.advance(1);
    assert.equal(causeOf(await failure), "no answer within 10 s");
    assert.deepEqual(clock.sleeping, []);
  });
});

Deno.test("AdminClient gives a change 30 s, and says that it may be done", async () => {
  await withSilentServer(async (client, clock, asked) => {
    const failure = failureOf(client.text("POST", "/tokens", "{}"));
    await asked;
    await clock.advance(29_999);
    assert.deepEqual(clock.sleeping, [1]);
    await clock.advance(1);
    assert.equal(
      causeOf(await failure),
      "no whole answer within 30 s; it may be done all the same",
    );
  });
});

Deno.test("AdminClient gives up an answer that does not come to its end within 30 s", async () => {
  let cancelled = false;
  await withServer(
    () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array([0x5b])),
          cancel() {
            cancelled = true;
          },
        }),
      ),
    async (client, clock) => {
      const failure = failureOf(client.text("GET", "/nodes"));
      // The answer has begun once its limit is not waited for any more.
      while (clock.sleeping.length !== 1) await settle();
      await clock.advance(30_000);
      assert.equal(causeOf(await failure), "no whole answer within 30 s");
      while (!cancelled) await settle();
    },
  );
});

Deno.test("AdminClient gives a whole answer as it came, and leaves no timer behind", async () => {
  await withServer(
    () => new Response('{"n":1.0,"t":"\u00e4"}'),
    async (client, clock) => {
      const text = await client.text("GET", "/nodes");
      assert.equal(text, '{"n":1.0,"t":"\u00e4"}');
      assert.deepEqual(clock.sleeping, []);
    },
  );
});

Deno.test("AdminClient rejects with the reason of a signal that aborts", async () => {
  await withSilentServer(async (client, _clock, asked) => {
    const stop = new AbortController();
    const call = client.text("GET", "/audit", undefined, stop.signal);
    const failure = failureOf(call);
    await asked;
    stop.abort("told to stop");
    assert.equal(await failure, "told to stop");
  });
});
