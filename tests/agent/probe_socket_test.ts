import assert from "node:assert/strict";
import { probeSocket } from "../../src/agent/probe_socket.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const never = new AbortController().signal;

/** A Unix socket with these answers, in a folder of its own. */
async function served(
  answer: (request: Request) => Response | Promise<Response>,
) {
  const folder = await Deno.makeTempDir({ prefix: "plexd-probe-" });
  const path = `${folder}/api.sock`;
  const stop = new AbortController();
  const { signal } = stop;
  const server = Deno.serve({ path, signal, onListen() {} }, answer);
  return {
    path,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("probeSocket() is content with a status", async () => {
  let asked = "";
  await using socket = await served((request) => {
    asked = `${request.method} ${new URL(request.url).pathname}`;
    return new Response(null, { status: 200 });
  });
  await probeSocket(socket.path, new FakeClock(), never);
  assert.equal(asked, "HEAD /v1/status");
});

Deno.test("probeSocket() fails when nobody listens, or says something else", async () => {
  const clock = new FakeClock();
  await assert.rejects(probeSocket("/nowhere/api.sock", clock, never));
  await using socket = await served(() => new Response(null, { status: 500 }));
  await assert.rejects(probeSocket(socket.path, clock, never), /answers 500/);
});

Deno.test("probeSocket() waits ten seconds and no longer", async () => {
  const clock = new FakeClock();
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<Response>();
  await using socket = await served(() => {
    asked.resolve();
    return held.promise;
  });
  const probe = assert.rejects(
    probeSocket(socket.path, clock, never),
    /did not answer within 10 s/,
  );
  await asked.promise;
  await clock.advance(10_000);
  await probe;
  held.resolve(new Response());
});
