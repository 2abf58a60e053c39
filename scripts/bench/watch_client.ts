import { putRequest } from "./http_probe.ts";
import { print } from "./print.ts";

/**
 * Opens streams of changes, makes changes one after the other, and waits after
 * each until every stream has it.
 *
 * Arguments: socket, streams, changes, pid of the server. Prints JSON:
 * `{"ms":[…],"memoryKiB":…}`, the time of each change from the request that
 * makes it to the last stream, and the server's memory per open stream.
 */
const [socket, streamsText, changesText, pid] = Deno.args;
const streams = Number(streamsText);
const changes = Number(changesText);

/** Changes that do not count: code that was never run is slow. */
const WARM_UP = 10;
/** After this long without a change, the server has come to rest. */
const REST_MS = 1_500;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");
const GET = encoder.encode("GET /v1/watch HTTP/1.1\r\nHost: localhost\r\n\r\n");

let left = streams;
let all = Promise.withResolvers<void>();

const before = await residentKiB();
for (let at = 0; at < streams; at++) {
  follow(await Deno.connect({ transport: "unix", path: socket! }));
}
await all.promise;
const memoryKiB = (await residentKiB() - before) / streams;

const writer = await Deno.connect({ transport: "unix", path: socket! });
const answer = new Uint8Array(4_096);
const ms: number[] = [];
for (let change = 0; change < WARM_UP + changes; change++) {
  left = streams;
  all = Promise.withResolvers();
  const body = `{"content_type":"text/plain","payload":${change}}`;
  const started = performance.now();
  await writer.write(
    encoder.encode(putRequest("/v1/state/report/bench", body)),
  );
  await all.promise;
  if (change >= WARM_UP) ms.push(performance.now() - started);
  await writer.read(answer);
}
print(JSON.stringify({ ms, memoryKiB }));
Deno.exit();

/** Counts what comes on a stream: its greeting first, then the changes. */
async function follow(conn: Deno.Conn) {
  const buffer = new Uint8Array(4_096);
  await conn.write(GET);
  for (;;) {
    const size = await conn.read(buffer);
    if (size === null) throw new Error("a stream has ended");
    const text = decoder.decode(buffer.subarray(0, size));
    for (let at = 0; (at = text.indexOf("event: ", at)) >= 0; at++) {
      if (--left === 0) all.resolve();
    }
  }
}

async function residentKiB(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}
