import type { Process, Workshop } from "../workshop.ts";
import type { Target } from "./raw_connection.ts";

/** A server in a process of its own, on a port of its own. */
export class Server {
  readonly target: Target;
  readonly #begin: (port: number) => Process;
  #process: Process | undefined;

  private constructor(begin: (port: number) => Process) {
    this.#begin = begin;
    this.target = { hostname: "127.0.0.1", port: freePort() };
  }

  /** The control plane, run from source. */
  static async plane(workshop: Workshop, dataDir: string): Promise<Server> {
    const server = new Server((port) =>
      workshop.start("main.ts", [
        "control-plane",
        "--listen",
        `127.0.0.1:${port}`,
        "--data-dir",
        dataDir,
        // Most simulated nodes send no heartbeats.
        "--stale-after",
        "24h",
        "--unreachable-after",
        "48h",
      ])
    );
    await server.start();
    return server;
  }

  /** What holds streams and answers without doing anything. */
  static async bare(workshop: Workshop): Promise<Server> {
    const script = "scripts/bench/fleet/bare_server.ts";
    const server = new Server((port) => workshop.start(script, [String(port)]));
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const process = this.#begin(this.target.port);
    this.#process = process;
    await process.until(() => listens(this.target));
  }

  /** As an operator stops it: its streams are told when to come back. */
  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }

  /** Resident set size, as the kernel counts it. */
  get residentMiB(): number {
    const pid = this.#process?.pid;
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function listens(target: Target): Promise<boolean> {
  try {
    (await Deno.connect({ ...target })).close();
    return true;
  } catch {
    return false;
  }
}
