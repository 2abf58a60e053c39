import { busConfigSchema, natsServerConfig } from "../../wire/bus_config.ts";
import { checkShape } from "../../wire/shape_error.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { show } from "../output/show.ts";
import { textOf, withAdmin } from "./session.ts";

const DEFAULT_STORE_DIR = "/var/lib/nats/plexd";

/**
 * `plexd admin nats-config`: the configuration of a nats-server for this control
 * plane. It can be made before that server is there.
 */
export async function adminNatsConfig(
  invocation: Invocation,
): Promise<number> {
  const { flags } = invocation;
  return await withAdmin(invocation, async (session) => {
    const json = await session.text("GET", "/message-bus");
    const answer = JSON.parse(json) as { servers: string[] };
    const config = checkShape("message bus", busConfigSchema, answer);
    const listen = textOf(flags["--listen"]) ??
      new URL(answer.servers[0]!).host;
    if (!/^\S+:\d{1,5}$/.test(listen)) {
      throw new CommandError(
        EXIT.wrongUsage,
        `--listen is HOST:PORT, not "${listen}"`,
        "such as 0.0.0.0:4222",
      );
    }
    const storeDir = textOf(flags["--store-dir"]) ?? DEFAULT_STORE_DIR;
    await show(invocation, {
      json,
      table: () => natsServerConfig(config, { listen, storeDir }).trimEnd(),
    });
  });
}
