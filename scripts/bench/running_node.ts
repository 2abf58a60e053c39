import type { CannedAnswer } from "./canned_answer.ts";
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

/** A server that is up, and where: a socket's path, or `127.0.0.1:port`. */
export interface RunningServer {
  readonly process: Process;
  readonly place: string;
}

/**
 * Starts a bare server with that answer, and resolves once it gives it.
 *
 * @param place By default a socket of its own.
 */
export async function startFloor(
  workshop: Workshop,
  answer: CannedAnswer,
  place: string = workshop.newPath("floor.sock"),
): Promise<RunningServer> {
  return await startCanned(workshop, FLOOR_SERVER, answer, place);
}

/** Starts the same behind the guard of the TCP listener. */
export async function startGuarded(
  workshop: Workshop,
  answer: CannedAnswer,
): Promise<RunningServer> {
  const inner = workshop.newPath("inner.sock");
  const place = freeAddress();
  return await startCanned(workshop, GUARDED_SERVER, answer, place, inner);
}

async function startCanned(
  workshop: Workshop,
  script: string,
  answer: CannedAnswer,
  place: string,
  ...more: string[]
): Promise<RunningServer> {
  const file = workshop.newPath("answer.json");
  Deno.writeTextFileSync(file, JSON.stringify(answer));
  const process = workshop.start(script, [place, file, ...more]);
  await process.until(() => answers(place, "/v1/state"));
  return { process, place };
}

/** An address of this machine at which nobody listens now. */
export function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

const FLOOR_SERVER = "scripts/bench/floor_server.ts";
const GUARDED_SERVER = "scripts/bench/guarded_server.ts";
