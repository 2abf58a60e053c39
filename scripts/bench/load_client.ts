import { print } from "./print.ts";

/**
 * A process that puts load on a Unix socket and prints what it reached.
 *
 * It writes raw HTTP/1.1 on kept connections and only counts answers, so that
 * on two cores the server is the one that is measured.
 *
 * Arguments: socket, request (a JSON string), connections, ms.
 * Prints one JSON object: requests per second, p50 and p99 in ms.
 */
const [socket, requestJson, connectionsText, msText] = Deno.args;
const request = new TextEncoder().encode(JSON.parse(requestJson!) as string);
const runMs = Number(msText);

const started = performance.now();
const latencies: number[] = [];

await Promise.all(
  Array.from({ length: Number(connectionsText) }, () => connection()),
);
const seconds = (performance.now() - started) / 1000;
latencies.sort((a, b) => a - b);
const at = (part: number) => latencies[Math.floor(latencies.length * part)];
print(JSON.stringify({
  perSecond: latencies.length / seconds,
  p50: at(0.5),
  p99: at(0.99),
}));

async function connection() {
  using conn = await Deno.connect({ transport: "unix", path: socket! });
  const buffer = new Uint8Array(1 << 20);
  while (performance.now() - started < runMs) {
    const sent = performance.now();
    await conn.write(request);
    await readAnswer(conn, buffer);
    latencies.push(performance.now() - sent);
  }
}

/** Reads one answer with Content-Length and insists on a 2xx. */
async function readAnswer(conn: Deno.Conn, buffer: Uint8Array) {
  let have = 0;
  let need = Infinity;
  while (have < need) {
    const count = await conn.read(buffer.subarray(have));
    if (count === null) throw new Error("the server hung up");
    have += count;
    if (need !== Infinity) continue;
    const head = new TextDecoder().decode(
      buffer.subarray(0, Math.min(have, 2048)),
    );
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) continue;
    if (!head.startsWith("HTTP/1.1 2")) throw new Error(head.slice(0, 60));
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error("no Content-Length");
    need = end + 4 + Number(length);
  }
}
