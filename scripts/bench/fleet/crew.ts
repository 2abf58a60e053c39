import { quantile } from "../row.ts";
import { OpenStream } from "./open_streams.ts";
import { RawConnection, type Target } from "./raw_connection.ts";
import {
  changeRequest,
  heartbeatRequest,
  registerRequest,
  requestBytes,
  type SimulatedNode,
  stateRequest,
} from "./requests.ts";
import { ReturningNodes } from "./returning_nodes.ts";
import type { Order, Orders } from "./orders.ts";

/**
 * The process that plays a fleet of nodes. It does what it is told over a Unix
 * socket and answers with what it measured.
 *
 * Argument: socket. Ends when standard input does.
 */
const [socket] = Deno.args;

/** Connections that are opened beside each other. */
const AT_ONCE = 64;
/** Calls of one node after the other. */
const WARM_CALLS = 32;

let streams: OpenStream[] = [];
let onEvent: (bytes: number) => void = () => {};
let returning: ReturningNodes | undefined;

const orders: Orders = {
  async open({ target, nodes }) {
    const opened: OpenStream[] = [];
    await beside(AT_ONCE, nodes, async (node) => {
      opened.push(
        await OpenStream.open(target, node, {
          onEvent: (bytes) => onEvent(bytes),
          onEnd: () => {},
        }),
      );
    });
    streams.push(...opened);
    return { open: streams.length };
  },

  close() {
    for (const stream of streams) stream.close();
    streams = [];
    return Promise.resolve({});
  },

  async fanOut({ target, rounds, changer, bytes }) {
    using connection = await RawConnection.open(target);
    const p50: number[] = [];
    const p99: number[] = [];
    let frame = 0;
    for (let round = 0; round < rounds; round++) {
      const change = changer
        ? changeRequest(changer, `192.0.2.1:${1024 + randomBelow(60_000)}`)
        : requestBytes("POST", `/send?bytes=${bytes}`, {}, {});
      const latencies: number[] = [];
      const all = Promise.withResolvers<void>();
      const started = performance.now();
      onEvent = (count) => {
        frame = count;
        if (latencies.push(performance.now() - started) === streams.length) {
          all.resolve();
        }
      };
      const { status } = await connection.call(change);
      if (status !== 200) throw new Error(`the change was answered ${status}`);
      await all.promise;
      p50.push(quantile(latencies, 0.5));
      p99.push(quantile(latencies, 0.99));
      await pause(200);
    }
    onEvent = () => {};
    return { p50: quantile(p50, 0.5), p99: quantile(p99, 0.5), bytes: frame };
  },

  async pulls({ target, nodes, withEtag, bytes: asked, connections, ms }) {
    using first = await RawConnection.open(target);
    let bytes = 0;
    const requests: Uint8Array[] = [];
    for (const node of nodes.slice(0, WARM_CALLS)) {
      const answer = await first.call(stateRequest(node, undefined, asked));
      bytes = Math.max(bytes, answer.bytes);
      const etag = withEtag ? answer.etag : undefined;
      requests.push(stateRequest(node, etag, asked));
    }
    const expected = withEtag ? 304 : 200;
    return {
      rate: await load(target, requests, connections, ms, expected),
      bytes,
    };
  },

  async heartbeats({ target, nodes, connections, ms }) {
    const requests = nodes.map(heartbeatRequest);
    return { rate: await load(target, requests, connections, ms, 200) };
  },

  async registrations({ target, tokens, connections }) {
    const requests = tokens.map(registerRequest);
    const started = performance.now();
    let next = 0;
    await Promise.all(Array.from({ length: connections }, async () => {
      using connection = await RawConnection.open(target);
      while (next < requests.length) {
        const { status } = await connection.call(requests[next++]!);
        if (status > 299) throw new Error(`answered ${status}`);
      }
    }));
    return { rate: requests.length / (performance.now() - started) * 1000 };
  },

  async prepareReturn({ target, nodes }) {
    returning = new ReturningNodes(target, nodes);
    await beside(AT_ONCE, nodes, (node) => returning!.join(node));
    return {};
  },

  async awaitReturn() {
    return await returning!.allAreBack();
  },
};

Deno.serve({ path: socket!, onListen() {} }, async (request) => {
  const { name, with: details } = await request.json() as Order;
  try {
    const run = orders[name] as (details: unknown) => Promise<unknown>;
    return Response.json(await run(details));
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
});
await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();

/** Calls per second. */
async function load(
  target: Target,
  requests: readonly Uint8Array[],
  connections: number,
  ms: number,
  expected: number,
): Promise<number> {
  let sent = 0;
  let answered = 0;
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, async () => {
    using connection = await RawConnection.open(target);
    while (performance.now() - started < ms) {
      const request = requests[sent++ % requests.length]!;
      const { status } = await connection.call(request);
      if (status !== expected) throw new Error(`answered ${status}`);
      answered++;
    }
  }));
  return answered / (performance.now() - started) * 1000;
}

async function beside(
  many: number,
  nodes: readonly SimulatedNode[],
  work: (node: SimulatedNode) => Promise<void>,
) {
  let next = 0;
  await Promise.all(Array.from({ length: many }, async () => {
    while (next < nodes.length) await work(nodes[next++]!);
  }));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}
