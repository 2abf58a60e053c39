import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { type Membership, openMembership } from "../store/membership.ts";
import type { RecoveryListener } from "../store/recovery.ts";
import { machineSeal } from "./machine_seal.ts";

/**
 * Opens the configured membership with the machine's seal key.
 *
 * @throws {AlreadyRunningError | SealKeyError | StoreOpenError}
 */
export async function openStore(
  config: Config,
  io: Platform,
  version: string,
  recovered?: RecoveryListener,
): Promise<Membership> {
  return await openMembership({
    dataDir: config.data_dir,
    cluster: config.cluster,
    seal: machineSeal(config, io.random),
    ...io,
    version,
    ...(recovered ? { recovered } : {}),
  });
}
