import { machineSeal } from "../../agent/machine_seal.ts";
import type { Config } from "../../config/settings.ts";
import type { Platform } from "../../platform/platform.ts";
import { backUp } from "../../store/backup.ts";
import { BackupError, encodeBackup } from "../../store/backup_file.ts";
import type { SealKey } from "../../store/seal_key.ts";
import { SealKeyError } from "../../store/store_errors.ts";
import { asCommandError } from "../agent_failure.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { counted } from "../output/counted.ts";
import { writeNewFile } from "../write_new_file.ts";

/** `plexd store backup FILE`: writes a membership into one file. */
export async function storeBackup(invocation: Invocation): Promise<number> {
  const [path = ""] = invocation.args;
  const config = await invocation.config();
  const io = invocation.platform(config);
  const { data_dir: dataDir, cluster } = config;
  const includeIdentity = invocation.flags["--include-identity"] === true;
  try {
    const key = await keyOf(config, io);
    const backup = await invocation.progress(
      "Reading the membership",
      () =>
        backUp({
          dataDir,
          cluster,
          includeIdentity,
          ...(key ? { key } : {}),
          ...io,
        }),
    );
    if (!backup) {
      throw new CommandError(
        EXIT.notFound,
        `there is no membership "${cluster}" in ${dataDir}`,
        "name another one with --data-dir and --cluster",
      );
    }
    const isForced = invocation.flags["--force"] === true;
    await writeNewFile(path, encodeBackup(backup), isForced, io.random);
    invocation.print(`${counted(backup.members.size, "file")} in ${path}`);
  } catch (error) {
    if (error instanceof BackupError) {
      throw new CommandError(
        EXIT.failed,
        `no backup was made: ${error.message}`,
        '"plexd store verify" tells more',
      );
    }
    throw asCommandError(error, config);
  }
  return EXIT.fine;
}

/** Sealed files go into a backup unopened, if need be. */
async function keyOf(
  config: Config,
  { random }: Platform,
): Promise<SealKey | undefined> {
  try {
    return await machineSeal(config, random)({ exists: true });
  } catch (error) {
    if (error instanceof SealKeyError && error.kind === "missing") {
      return undefined;
    }
    throw error;
  }
}
