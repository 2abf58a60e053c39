import { Workshop } from "../bench/workshop.ts";
import {
  type Address,
  type AttackedAgent,
  BEARER,
  dial,
  isServing,
  startAttacked,
} from "./attacked_agent.ts";
import type { Figures } from "./figures.ts";
import { concat, mangledBytes } from "./mangle.ts";
import type { Seeded } from "./seeded.ts";

/** Connections at a time. */
const CLIENTS = 12;

/** Requests of a connection, sent ahead. */
const AHEAD = 12;

/** Requests between two looks at the agent. */
const LOOK_EVERY = 5_000;

/** More than this much memory above that of the start is too much, in MiB. */
const MOST_GROWTH = 256;

/**
 * Sends requests that are almost right, over both sockets and the guard: the
 * process must live on, serve good requests in between, answer none with 500,
 * and stay within its memory.
 */
export async function fuzzRequests(
  figures: Figures,
  random: Seeded,
  requests: number,
): Promise<void> {
  const workshop = new Workshop();
  try {
    await using agent = await startAttacked(workshop);
    const before = agent.memory();
    let most = before;
    for (let done = 0; done < requests;) {
      const part = Math.min(LOOK_EVERY, requests - done);
      await Promise.all(
        Array.from(
          { length: CLIENTS },
          () => attack(agent, figures, random, Math.ceil(part / CLIENTS)),
        ),
      );
      done += part;
      figures.requests += part;
      most = Math.max(most, agent.memory());
      for (const address of agent.listeners) {
        if (!await isServing(address)) {
          figures.broken.push(`${address} does not serve after ${done}`);
        }
      }
      if (agent.hasEnded) figures.broken.push(`ended after ${done} requests`);
      if (most > before + MOST_GROWTH) {
        figures.broken.push(`${most.toFixed()} MiB after ${done} requests`);
      }
      if (figures.broken.length > 0) break;
    }
    figures.notes.push(
      `memory of the agent ${before.toFixed()} MiB, at most ${most.toFixed()} MiB`,
    );
  } finally {
    await workshop.close();
  }
}

async function attack(
  agent: AttackedAgent,
  figures: Figures,
  random: Seeded,
  requests: number,
) {
  for (let sent = 0; sent < requests; sent += AHEAD) {
    const bytes = concat(
      Array.from({ length: AHEAD }, () => fuzzed(random)),
    );
    await exchange(random.pick(agent.listeners), bytes, figures);
  }
}

/** Sends all of it, and reads until the agent hangs up or has had its time. */
async function exchange(
  address: Address,
  bytes: Uint8Array,
  figures: Figures,
) {
  let connection: Deno.Conn;
  try {
    connection = await dial(address);
  } catch {
    // A full queue: whether anybody listens is looked at in between.
    return;
  }
  // What waits for the rest of a request that never comes is left alone.
  const timer = setTimeout(() => connection.close(), 1_000);
  const reading = (async () => {
    const buffer = new Uint8Array(65_536);
    const decoder = new TextDecoder("latin1");
    for (;;) {
      const size = await connection.read(buffer);
      if (size === null) return;
      const text = decoder.decode(buffer.subarray(0, size));
      for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
        figures.answers++;
        if (status === "500") figures.broken.push("an answer 500");
      }
    }
  })().catch(() => {});
  try {
    for (let at = 0; at < bytes.length;) {
      at += await connection.write(bytes.subarray(at));
    }
    await connection.closeWrite();
  } catch {
    // It has hung up on what it did not like.
  }
  await reading;
  clearTimeout(timer);
  try {
    connection.close();
  } catch {
    // The timer has done it.
  }
}

const encoder = new TextEncoder();
const METHODS = ["GET", "GET", "HEAD", "PUT", "DELETE", "POST", "FOO", "get"];
const PATHS = [
  "/v1/state",
  "/v1/state?full=true",
  "/v1/state/metadata",
  "/v1/state/metadata/region",
  "/v1/state/data",
  "/v1/state/data/service-7",
  "/v1/state/secrets",
  "/v1/state/report",
  "/v1/state/report/r",
  "/v1/state/report/r?wait=synced&timeout=1ms",
  "/v1/state/report/%ff",
  "/v1/state/report/..%2f",
  "/v1/status",
  "/v1/events",
  "/healthz",
  "/readyz",
  "/metrics",
  "/v1/%2e%2e/state",
  "//v1/state",
  "http://localhost/v1/state",
  "http://evil/v1/state",
  "*",
  "/",
];
const FIELDS = [
  "Host: a/b?c#d",
  "Host: localhost",
  "Content-Length: 3",
  "Content-Length: -1",
  "Content-Length: 99999999999999999999",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: gzip",
  "Expect: 100-continue",
  "Connection: close",
  "Connection: keep-alive, x",
  "Connection: upgrade\r\nUpgrade: h2c",
  "If-None-Match: *",
  'If-None-Match: W/"x',
  "If-Match: 1",
  "If-Match: *",
  "Origin: http://evil",
  "Authorization: Bearer wrong",
  "Content-Type: application/json",
  "Accept-Encoding: gzip",
  " folded",
  "X: \0",
];

/** A request by the grammar, and then maybe not quite. */
function fuzzed(random: Seeded): Uint8Array {
  const method = random.pick(METHODS);
  const path = random.pick(PATHS);
  const fields = random.sample(FIELDS, random.below(4) * random.below(2));
  if (random.below(10) > 0) fields.unshift("Host: localhost");
  if (random.below(10) > 0) fields.push(`Authorization: Bearer ${BEARER}`);
  let body = "";
  if (method === "PUT" && random.below(4) > 0) {
    body = random.pick([
      '{"content_type":"a","payload":1}',
      '{"content_type":"a"',
      '{"reports":[]}',
      "\ud800",
      "[".repeat(random.below(2_000)),
    ]);
    const length = encoder.encode(body).length +
      (random.below(20) === 0 ? 5 : 0);
    fields.push(`Content-Length: ${length}`);
  }
  const end = random.below(30) === 0 ? "\n" : "\r\n";
  const text = [`${method} ${path} HTTP/1.1`, ...fields, "", body].join(end);
  const bytes = encoder.encode(text);
  return random.below(3) === 0 ? mangledBytes(bytes, random) : bytes;
}
