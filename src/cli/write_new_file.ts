import { basename, dirname, resolve } from "node:path";
import type { Random } from "../platform/random.ts";
import { CommandError, EXIT } from "./command.ts";

/**
 * Writes a file for its owner only, durable and whole or not at all.
 *
 * @param replace Whether a file of that name may be replaced.
 * @throws {CommandError} when there is one and it may not, or it cannot be
 * written.
 */
export async function writeNewFile(
  path: string,
  bytes: Uint8Array,
  replace: boolean,
  random: Random,
): Promise<void> {
  const target = resolve(path);
  const folder = dirname(target);
  const name = `.${basename(target)}.${random.bytes(8).toHex()}`;
  const temp = `${folder}/${name}`;
  try {
    using file = await Deno.open(temp, {
      write: true,
      createNew: true,
      mode: 0o600,
    });
    for (let at = 0; at < bytes.length;) {
      at += await file.write(bytes.subarray(at));
    }
    await file.sync();
    if (replace) await Deno.rename(temp, target);
    else await Deno.link(temp, target);
    using parent = await Deno.open(folder);
    await parent.sync();
  } catch (error) {
    throw failure(path, error);
  } finally {
    // Once it is renamed there is nothing of that name.
    await Deno.remove(temp).catch(() => {});
  }
}

function failure(path: string, error: unknown): CommandError {
  if (error instanceof Deno.errors.AlreadyExists) {
    return new CommandError(
      EXIT.failed,
      `${path} is there already`,
      "name another file, or replace it with --force",
    );
  }
  return new CommandError(
    EXIT.failed,
    `${path} cannot be written`,
    undefined,
    error,
  );
}
