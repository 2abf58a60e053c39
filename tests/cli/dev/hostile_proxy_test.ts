import assert from "node:assert/strict";
import { HostileProxy } from "../../../src/cli/dev/hostile_proxy.ts";

function serve(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
  return { server, url: `http://127.0.0.1:${server.addr.port}` };
}

Deno.test("HostileProxy passes a request and its answer on", async () => {
  const { server, url } = serve(async (request) =>
    Response.json({
      method: request.method,
      path: new URL(request.url).pathname,
      bearer: request.headers.get("authorization"),
      body: await request.text(),
    }, { status: 201 })
  );
  const proxy = new HostileProxy(() => url);
  const answer = await fetch(`${proxy.url}/v1/register`, {
    method: "POST",
    headers: { authorization: "Bearer x" },
    body: "hello",
  });
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.json(), {
    method: "POST",
    path: "/v1/register",
    bearer: "Bearer x",
    body: "hello",
  });
  await proxy.close();
  await server.shutdown();
});

Deno.test("HostileProxy copies the frames of a stream and adds its own", async () => {
  const { server, url } = serve(() =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(
            new TextEncoder().encode('id: 1\ndata: {"a":1}\n\n'),
          );
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    )
  );
  const proxy = new HostileProxy(() => url);
  const leaving = new AbortController();
  const answer = await fetch(`${proxy.url}/v1/nodes/n/events`, {
    signal: leaving.signal,
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (wanted: string) => {
    while (!text.includes(wanted)) text += (await reader.read()).value ?? "";
  };
  await until('{"a":1}\n\n');
  assert.deepEqual(proxy.frames, [{ data: '{"a":1}' }]);
  proxy.inject({ data: '{"forged":true}' });
  await until('data: {"forged":true}\n\n');
  leaving.abort();
  await reader.read().catch(() => {});
  await proxy.close();
  await server.shutdown();
});

Deno.test("HostileProxy answers 502 while the control plane is away", async () => {
  const { server, url } = serve(() => new Response());
  await server.shutdown();
  const proxy = new HostileProxy(() => url);
  const answer = await fetch(`${proxy.url}/v1/ping`);
  assert.equal(answer.status, 502);
  await answer.body?.cancel();
  await proxy.close();
});
