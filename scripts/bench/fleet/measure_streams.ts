import { makeRow, type Row } from "../row.ts";
import type { Workshop } from "../workshop.ts";
import { Crew } from "./crew_process.ts";
import type { SimulatedNode } from "./requests.ts";
import { Server } from "./servers.ts";

/** After this long both processes have come to rest. */
const IDLE_MS = 3_000;

/** What is measured of open streams. */
interface Streaming {
  /** Whose change all others are told of. */
  readonly changer: SimulatedNode;
  readonly nodes: readonly SimulatedNode[];
  readonly rounds: number;
}

interface Figures {
  readonly kibPerStream: number;
  readonly p50: number;
  readonly p99: number;
  /** Of what a stream was sent. */
  readonly bytes: number;
}

/** Memory of streams, and how long one change takes to reach them all. */
export async function measureStreams(
  workshop: Workshop,
  dataDir: string,
  streaming: Streaming,
): Promise<Row[]> {
  const { nodes, rounds, changer } = streaming;
  const plane = await Server.plane(workshop, dataDir);
  const figure = await measure(
    workshop,
    plane,
    async (crew) =>
      await crew.tell("fanOut", {
        target: plane.target,
        rounds,
        changer,
        bytes: 0,
      }),
    nodes,
  );
  const bare = await Server.bare(workshop);
  const floor = await measure(
    workshop,
    bare,
    async (crew) =>
      await crew.tell("fanOut", {
        target: bare.target,
        rounds,
        bytes: figure.bytes,
      }),
    nodes,
  );
  const count = nodes.length;
  const text = count.toLocaleString("en-US");
  const goals = count >= 10_000;
  return [
    makeRow({
      name: `stream-memory-${count}`,
      what: `memory of an open stream, ${text} streams`,
      unit: "KiB",
      ...(goals ? { goal: { relation: "<=", bound: 1.3 } } : {}),
    }, { value: figure.kibPerStream, floor: floor.kibPerStream }),
    makeRow({
      name: `fan-out-p50-${count}`,
      what: `one change to ${text} streams, p50`,
      unit: "ms",
    }, { value: figure.p50, floor: floor.p50 }),
    makeRow({
      name: `fan-out-p99-${count}`,
      what: `one change to ${text} streams, p99`,
      unit: "ms",
      ...(goals ? { goal: { relation: "<=", bound: 1.5 } } : {}),
    }, { value: figure.p99, floor: floor.p99 }),
  ];
}

async function measure(
  workshop: Workshop,
  server: Server,
  fanOut: (
    crew: Crew,
  ) => Promise<{ p50: number; p99: number; bytes: number }>,
  nodes: readonly SimulatedNode[],
): Promise<Figures> {
  const crew = await Crew.start(workshop);
  await pause(IDLE_MS);
  const before = server.residentMiB;
  await crew.tell("open", { target: server.target, nodes });
  await pause(IDLE_MS);
  const kibPerStream = (server.residentMiB - before) * 1024 / nodes.length;
  const told = await fanOut(crew);
  await crew.stop();
  await server.stop();
  return { kibPerStream, ...told };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
