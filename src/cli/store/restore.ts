import { machineSeal } from "../../agent/machine_seal.ts";
import { openStore } from "../../agent/open_store.ts";
import { BackupError, decodeBackup } from "../../store/backup_file.ts";
import { restore } from "../../store/restore.ts";
import { asCommandError } from "../agent_failure.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";

/** `plexd store restore FILE`: puts a backup back. */
export async function storeRestore(invocation: Invocation): Promise<number> {
  const [path = ""] = invocation.args;
  const config = await invocation.config();
  const io = invocation.platform(config);
  const { data_dir: dataDir, cluster } = config;
  const bytes = await readBackup(path);
  try {
    const backup = decodeBackup(bytes);
    const holdsSealed = [...backup.members.keys()]
      .some((file) => file.endsWith(".sealed"));
    const key = await machineSeal(config, io.random)({ exists: holdsSealed });
    const { notes } = await invocation.progress("Restoring", () =>
      restore({
        dataDir,
        cluster,
        backup,
        key,
        open: () => openStore(config, io, invocation.version),
        ...io,
      }));
    for (const note of notes) invocation.complain(`plexd: ${note}`);
    invocation.print(
      `restored the backup of ${backup.createdAt}; secrets, actions and key ` +
        "rotation wait for the control plane",
    );
  } catch (error) {
    if (error instanceof BackupError) {
      throw new CommandError(
        EXIT.failed,
        `${path} cannot be restored: ${error.message}`,
      );
    }
    throw asCommandError(error, config);
  }
  return EXIT.fine;
}

async function readBackup(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new CommandError(EXIT.failed, `there is no file ${path}`);
    }
    throw new CommandError(
      EXIT.failed,
      `${path} cannot be read`,
      undefined,
      error,
    );
  }
}
