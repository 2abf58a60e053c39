import { print } from "./print.ts";

/**
 * The floor for watchers: a bare server on a Unix socket that holds streams,
 * and on each PUT sends all of them as many bytes as plexd does.
 *
 * Argument: socket. Ends when standard input does.
 */
const [path] = Deno.args;

const encoder = new TextEncoder();
const FIRST = encoder.encode(
  "retry: 1000\nevent: hello\nid: 0123456789abcdef.0\n" +
    'data: {"position":"0123456789abcdef.0","resumed":false}\n\n',
);
const CHANGE = encoder.encode(
  "event: change\nid: 0123456789abcdef.1\n" +
    'data: {"kind":"report","key":"bench","version":100,"change":"changed",' +
    '"origin":"local","at":"2026-03-01T12:00:00.000Z"}\n\n',
);

const open = new Set<ReadableStreamDefaultController<Uint8Array>>();

Deno.serve({
  path: path!,
  onListen: () => print("ready"),
}, async (request) => {
  if (request.method === "PUT") {
    await request.text();
    for (const controller of open) controller.enqueue(CHANGE);
    return new Response("{}");
  }
  if (!request.url.endsWith("/v1/watch")) return new Response("{}");
  let own: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      own = controller;
      open.add(controller);
      controller.enqueue(FIRST);
    },
    cancel: () => void open.delete(own),
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
    },
  });
});

await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();
