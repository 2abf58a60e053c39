import { answers } from "./http_probe.ts";
import { type PreparedNode, prepareNode } from "./prepare.ts";
import type { Process, Workshop } from "./workshop.ts";

/** Prepares a node in a folder of its own. */
export function makeNode(workshop: Workshop): Promise<PreparedNode> {
  const folder = workshop.newPath("node");
  Deno.mkdirSync(folder, { mode: 0o700 });
  return prepareNode(folder);
}

/** Runs `plexd up` as the node, and resolves once it answers with its state. */
export async function startNode(
  workshop: Workshop,
  node: PreparedNode,
): Promise<Process> {
  const process = workshop.start(
    "main.ts",
    ["up", "--die-with-stdin"],
    node.env,
  );
  await process.until(() => answers(node.socket, "/v1/state"));
  return process;
}

/** An answer as a floor server is told to give it. */
export interface CannedAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A floor server that is up. */
export interface FloorServer {
  readonly process: Process;
  readonly socket: string;
}

/** Starts a bare server with that answer, and resolves once it gives it. */
export async function startFloor(
  workshop: Workshop,
  answer: CannedAnswer,
): Promise<FloorServer> {
  const socket = workshop.newPath("floor.sock");
  const file = workshop.newPath("answer.json");
  Deno.writeTextFileSync(file, JSON.stringify(answer));
  const process = workshop.start(FLOOR_SERVER, [socket, file]);
  await process.until(() => answers(socket, "/v1/state"));
  return { process, socket };
}

const FLOOR_SERVER = "scripts/bench/floor_server.ts";
