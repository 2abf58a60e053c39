import { EventMaker } from "./event_maker.ts";
import { wallMs } from "./wall_ms.ts";

/**
 * Sends events at an even pace over an event stream, each signed just before.
 *
 * Arguments: folder, events, events per second. Leaves `address.json` with
 * `{url, publicKey}` there once it listens, and once the last event has gone
 * `sent.json`: when each one was handed to the socket, ms since the Unix epoch.
 * Ends when standard input does.
 */
const [folder, eventsText, rateText] = Deno.args;
const events = Number(eventsText);
const everyMs = 1000 / Number(rateText);
const maker = EventMaker.create();

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen({ port }) {
    const url = `http://127.0.0.1:${port}`;
    leave("address.json", { url, publicKey: maker.publicKey });
  },
}, () => {
  const headers = { "content-type": "text/event-stream" };
  return new Response(ReadableStream.from(paced()), { headers });
});

await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();

async function* paced() {
  const sentMs: number[] = [];
  const started = performance.now();
  for (let at = 0; at < events; at++) {
    const waitMs = started + at * everyMs - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
    const { frame } = maker.next();
    sentMs.push(wallMs());
    yield frame;
  }
  leave("sent.json", sentMs);
}

/** Whole or not at all: somebody waits for it. */
function leave(name: string, content: unknown) {
  Deno.writeTextFileSync(`${folder}/${name}.new`, JSON.stringify(content));
  Deno.renameSync(`${folder}/${name}.new`, `${folder}/${name}`);
}
