import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { readIdentity } from "../store/read_identity.ts";
import { bearerFor } from "../uplink/bearer.ts";
import type { ControlClient } from "../uplink/control_client.ts";
import { NotEnrolledError } from "./deregister.ts";
import { machineSeal } from "./machine_seal.ts";
import { openUplink } from "./open_uplink.ts";

/** The control plane, called as this node. */
export interface NodeClient {
  readonly client: ControlClient;
  readonly nodeId: string;
  /** What must never be shown: the node secret key, and the bearer of it. */
  readonly secrets: readonly string[];
}

/**
 * A client that calls the configured control plane as this node, whether the
 * agent runs or not: it takes no lock and changes nothing.
 *
 * @throws {NotEnrolledError} when the node has not joined.
 * @throws {CorruptIdentityError | SealKeyError | ConfigError}
 */
export async function openNodeClient(
  config: Config,
  io: Platform,
  version: string,
): Promise<NodeClient> {
  const { data_dir: dataDir, cluster } = config;
  const seal = machineSeal(config, io.random);
  const stored = await readIdentity({ dataDir, cluster, seal });
  if (!stored) throw new NotEnrolledError(dataDir);
  const { identity: { dialect, nodeId }, nodeSecretKey } = stored;
  const client = await openUplink(config, io, version);
  const bearer = bearerFor(dialect, nodeId, nodeSecretKey);
  client.setAuthToken(bearer);
  return { client, nodeId, secrets: [bearer, nodeSecretKey] };
}
