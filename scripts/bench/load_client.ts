import { connectTo } from "./http_probe.ts";
import { print } from "./print.ts";
import { quantile } from "./row.ts";

/**
 * A process that puts load on a server and prints what it reached.
 *
 * It writes raw HTTP/1.1 on kept connections and only counts answers, so that
 * on two cores the server is the one that is measured.
 *
 * Arguments: place, file with the requests as a JSON array of strings, which
 * all connections together go through in turn, connections, ms.
 * Prints JSON: `{"answers":…,"rate":…,"p50Ms":…,"p99Ms":…}`, the rate per
 * second, and the times from the first byte written to the last one read. What
 * a connection waits for its turn in this process is part of them.
 */
const [place, requestsFile, connectionsText, msText] = Deno.args;
const requests = (JSON.parse(Deno.readTextFileSync(requestsFile!)) as string[])
  .map((request) => new TextEncoder().encode(request));
const runMs = Number(msText);

const decoder = new TextDecoder("latin1");

/** Longer than any head; the rest of an answer is only counted. */
const HEAD_BYTES = 2_048;

let sent = 0;
const times: number[] = [];
const started = performance.now();
await Promise.all(
  Array.from({ length: Number(connectionsText) }, () => connection()),
);
const ranMs = performance.now() - started;
print(JSON.stringify({
  answers: times.length,
  rate: times.length / ranMs * 1000,
  p50Ms: quantile(times, 0.5),
  p99Ms: quantile(times, 0.99),
}));

async function connection() {
  using conn = await connectTo(place!);
  const buffer = new Uint8Array(1 << 20);
  let now = performance.now();
  // At least one each: on a busy machine connecting may take the whole time.
  do {
    const begun = now;
    await conn.write(requests[sent++ % requests.length]!);
    await readAnswer(conn, buffer);
    now = performance.now();
    times.push(now - begun);
  } while (now - started < runMs);
}

/** Reads one answer with Content-Length and insists on a 2xx. */
async function readAnswer(conn: Deno.Conn, buffer: Uint8Array) {
  let have = 0;
  let need = Infinity;
  while (have < need) {
    const count = await conn.read(buffer.subarray(have));
    if (count === null) throw new Error("the server hung up");
    have += count;
    if (need === Infinity) need = lengthOf(buffer.subarray(0, have));
  }
}

/** Bytes of the answer that begins with `bytes`; infinite while unknown. */
function lengthOf(bytes: Uint8Array): number {
  const text = decoder.decode(bytes.subarray(0, HEAD_BYTES));
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return Infinity;
  if (!text.startsWith("HTTP/1.1 2")) throw new Error(text.slice(0, 60));
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  if (length === undefined) throw new Error("no Content-Length");
  return end + 4 + Number(length);
}
