import { useProxies } from "../../agent/use_proxies.ts";
import type { Dialect } from "../../wire/dialect.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { findBusPrograms, needBusPrograms } from "./bus_child.ts";
import { type DevOptions, runDev } from "./dev.ts";

const TRANSPORTS = ["sse", "nats", "auto"] as const;

/**
 * What brings events, and the programs of a message bus where that is one.
 *
 * @throws {CommandError} with exit code 3 where they must be there, and are not.
 */
function transportOf(
  flag: string | boolean | undefined,
): Pick<DevOptions, "transport" | "bus"> {
  const transport = TRANSPORTS.find((one) => one === flag) ?? "sse";
  if (transport === "sse") return { transport };
  const bus = transport === "nats" ? needBusPrograms() : findBusPrograms();
  return { transport, ...(bus ? { bus } : {}) };
}

function dialectOf(flag: string | boolean | undefined): Dialect {
  if (flag === undefined || flag === "1") return 1;
  if (flag === "2") return 2;
  throw new CommandError(EXIT.wrongUsage, "--dialect is 1 or 2");
}

/** `plexd dev` */
export async function dev(invocation: Invocation): Promise<number> {
  const { flags, print, stop } = invocation;
  // All that it asks is on this machine.
  useProxies([]);
  const dataDir = flags["--data-dir"];
  const code = await runDev({
    ...(typeof dataDir === "string" ? { dataDir } : {}),
    tour: flags["--tour"] === true,
    dialect: dialectOf(flags["--dialect"]),
    ...transportOf(flags["--transport"]),
    clock: invocation.platform().clock,
    print,
    stop,
  });
  return code === 0 ? EXIT.fine : EXIT.failed;
}
