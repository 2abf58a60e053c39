import type { Config } from "../config/settings.ts";
import { askAgent } from "./ask_agent.ts";
import { CommandError, EXIT } from "./command.ts";
import type { LocalAnswer } from "./local_client.ts";

/**
 * Asks the agent of this membership. Whoever names another membership, but not
 * its socket, would be answered by the wrong agent without a word.
 *
 * @throws {CommandError} also when the agent is one of another membership.
 */
export async function askOwnAgent(
  config: Config,
  ...request: Parameters<typeof askAgent> extends [Config, ...infer Rest] ? Rest
    : never
): Promise<LocalAnswer> {
  if (config.cluster !== "default") {
    const { body } = await askAgent(config, "GET", "/v1/status");
    checkCluster(config, body);
  }
  return await askAgent(config, ...request);
}

/** @throws {CommandError} when a status is that of another membership. */
export function checkCluster(config: Config, status: unknown): void {
  const theirs = typeof status === "object" && status !== null &&
      "cluster" in status
    ? status.cluster
    : undefined;
  if (typeof theirs !== "string" || theirs === config.cluster) return;
  throw new CommandError(
    EXIT.failed,
    `the agent on ${
      config["node_api.socket_path"]
    } is that of membership "${theirs}", not of "${config.cluster}"`,
    "name the configuration of the agent that is meant with --config, or its " +
      "socket with PLEXD_NODE_API_SOCKET_PATH",
  );
}
