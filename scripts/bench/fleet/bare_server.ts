/**
 * The floor of a fleet: a bare `Deno.serve` that holds event streams open, tells
 * them all what it is told to, and answers everything else with as many bytes
 * as the control plane does. Nothing is checked, kept or signed.
 *
 * Argument: port. Ends when standard input does.
 */
const [portText] = Deno.args;
const encoder = new TextEncoder();
const FIRST = ":keep-alive\nretry: 1000\n\n";
const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();

Deno.serve(
  { hostname: "127.0.0.1", port: Number(portText), onListen() {} },
  async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const bytes = Number(searchParams.get("bytes") ?? 64);
    if (pathname.endsWith("/events")) return stream();
    if (pathname === "/send") {
      const frame = encoder.encode(`data: ${"x".repeat(bytes)}\n\n`);
      for (const controller of streams) {
        controller.enqueue(frame);
      }
      return new Response("{}");
    }
    if (request.headers.has("if-none-match")) {
      return new Response(null, { status: 304, headers: { etag: 'W/"1"' } });
    }
    await request.text();
    return new Response("x".repeat(bytes), {
      headers: { "content-type": "application/json", etag: 'W/"1"' },
    });
  },
);

await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();

function stream(): Response {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(given) {
      controller = given;
      streams.add(given);
      given.enqueue(encoder.encode(FIRST));
    },
    cancel() {
      streams.delete(controller);
    },
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
    },
  });
}
