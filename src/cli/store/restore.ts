import { machineSeal } from "../../agent/machine_seal.ts";
import { openStore } from "../../agent/open_store.ts";
import { BackupError, decodeBackup } from "../../store/backup_file.ts";
import { restore } from "../../store/restore.ts";
import { asHeldError } from "../agent_failure.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { storedMembership } from "../stored_membership.ts";

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
    if (!storedMembership(config)?.identity) {
      invocation.complain(
        "plexd: no node is enrolled here, and the backup brings none: get a " +
          'one-time token, then run "plexd join"',
      );
    }
  } catch (error) {
    if (error instanceof BackupError) {
      throw new CommandError(
        EXIT.failed,
        `${path} cannot be restored: ${error.message}`,
      );
    }
    throw asHeldError(error, config);
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
