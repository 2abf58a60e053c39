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
  const wanted = listenAddress(textOf(flags["--listen"]));
  return await withAdmin(invocation, async (session) => {
    const json = await session.text("GET", "/message-bus");
    const answer = JSON.parse(json) as { servers: string[] };
    const config = checkShape("message bus", busConfigSchema, answer);
    const listen = wanted ?? new URL(answer.servers[0]!).host;
    const storeDir = textOf(flags["--store-dir"]) ?? DEFAULT_STORE_DIR;
    await show(invocation, {
      json,
      table: () => natsServerConfig(config, { listen, storeDir }).trimEnd(),
    });
  });
}

/** @throws {CommandError} for what is no host and port. */
function listenAddress(text: string | undefined): string | undefined {
  const [, port] = text?.match(/^\S+:(\d{1,5})$/) ?? [];
  if (text === undefined || (Number(port) >= 1 && Number(port) <= 65_535)) {
    return text;
  }
  throw new CommandError(
    EXIT.wrongUsage,
    `--listen is HOST:PORT, not "${text}"`,
    "such as 0.0.0.0:4222",
  );
}
