import { backUp } from "../../control_plane/backup.ts";
import { StorageError } from "../../control_plane/storage/storage.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { DEFAULT_CONTROL_PLANE_DIR } from "../control_plane_dir.ts";
import { counted } from "../output/counted.ts";

/** `plexd admin backup FILE`: copies a database that may be in use. */
export async function adminBackup(
  { args, flags, print, progress }: Invocation,
): Promise<number> {
  const [path = ""] = args;
  const folder = flags["--data-dir"];
  const dataDir = typeof folder === "string"
    ? folder
    : DEFAULT_CONTROL_PLANE_DIR;
  const includeKeys = flags["--include-keys"] === true;
  try {
    const { files, nodes, schema, masterKeyId } = await progress(
      "Copying the database",
      () => backUp({ dataDir, path, includeKeys }),
    );
    print(
      `${counted(nodes, "node")}, schema ${schema}, in ${files.join(", ")}`,
    );
    if (!includeKeys) {
      print(`It is of use with the master key ${masterKeyId} only`);
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.AlreadyExists) {
      throw new CommandError(
        EXIT.failed,
        `${cause.message} is there already`,
        "name a file that is not: no backup is written over",
      );
    }
    if (cause instanceof Deno.errors.NotFound) {
      throw new CommandError(
        EXIT.failed,
        `the folder of ${path} is not there`,
        "make it first",
      );
    }
    if (cause instanceof StorageError) {
      throw new CommandError(
        EXIT.failed,
        `no backup was made of ${dataDir}: ${cause.message}`,
        "name the folder of the control plane with --data-dir",
        cause,
      );
    }
    throw cause;
  }
  return EXIT.fine;
}
