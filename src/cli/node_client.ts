import { type NodeClient, openNodeClient } from "../agent/open_node_client.ts";
import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { asCommandError } from "./agent_failure.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";

/**
 * The control plane, called as this node.
 *
 * @throws {CommandError} when the node has not joined, or this user may not
 * read who it is.
 */
export async function nodeClient(
  { version }: Invocation,
  config: Config,
  io: Platform,
): Promise<NodeClient> {
  try {
    return await openNodeClient(config, io, version);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new CommandError(
        EXIT.failed,
        `this user may not read ${config.data_dir}`,
        "run this as root, or as the user of the agent",
      );
    }
    throw asCommandError(error, config);
  }
}
