import { systemRandom } from "../../platform/random.ts";
import { busConfigSchema, natsServerConfig } from "../../wire/bus_config.ts";
import { checkShape } from "../../wire/shape_error.ts";
import { CommandError, EXIT } from "../command.ts";
import { Child } from "./child.ts";
import { findProgram } from "./find_program.ts";
import type { DevFolders } from "./folders.ts";

/** What is started, and what sees to it that it ends with this process. */
export interface BusPrograms {
  readonly natsServer: string;
  readonly setpriv: string;
}

/** Programs for a message bus; undefined where one of them is missing. */
export function findBusPrograms(find = findProgram): BusPrograms | undefined {
  const natsServer = find("nats-server");
  const setpriv = find("setpriv");
  return natsServer && setpriv ? { natsServer, setpriv } : undefined;
}

/** @throws {CommandError} with exit code 3 where there are none. */
export function needBusPrograms(find = findProgram): BusPrograms {
  const programs = findBusPrograms(find);
  if (programs) return programs;
  throw new CommandError(
    EXIT.notFound,
    "--transport nats needs nats-server and setpriv, and they are not " +
      "both installed",
    "on Debian: apt-get install nats-server util-linux",
  );
}

/** Below those that the kernel hands out: it could give one away again. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;

/** A port that nobody listens on. */
export function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(systemRandom.unit() * PORTS);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Options for {@linkcode startBus}. */
export interface StartBusOptions {
  readonly programs: BusPrograms;
  readonly folders: DevFolders;
  readonly port: number;
  /** What the control plane says of its bus. */
  readonly answer: unknown;
  readonly onReady: () => void;
}

/**
 * Starts a nats-server that trusts the control plane. It knows nothing of a
 * pipe that closes: the kernel ends it when this process dies.
 */
export async function startBus(
  { programs, folders, port, answer, onReady }: StartBusOptions,
): Promise<Child> {
  const config = checkShape("message bus", busConfigSchema, answer);
  const text = natsServerConfig(config, {
    listen: `127.0.0.1:${port}`,
    storeDir: folders.busStore,
  });
  await Deno.writeTextFile(folders.busConfig, text, { mode: 0o600 });
  const { setpriv, natsServer } = programs;
  return Child.start({
    name: "message bus",
    command: [setpriv, "--pdeathsig", "KILL", natsServer],
    args: ["-c", folders.busConfig],
    onLog: (line) => {
      if (line.includes("Server is ready")) onReady();
    },
  });
}
