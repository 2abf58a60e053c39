import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { type Membership, openMembership } from "../store/membership.ts";
import type { RecoveryListener } from "../store/recovery.ts";
import { loadSealKey } from "../store/seal_key.ts";

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
  const credentialsDir = Deno.env.get("CREDENTIALS_DIRECTORY");
  return await openMembership({
    dataDir: config.data_dir,
    cluster: config.cluster,
    seal: ({ exists }) =>
      loadSealKey({
        ...(credentialsDir ? { credentialsDir } : {}),
        keyFile: config["seal.key_file"],
        create: !exists,
        random: io.random,
      }),
    ...io,
    version,
    ...(recovered ? { recovered } : {}),
  });
}
