import { ControlPlaneStartError } from "./start_error.ts";

/**
 * Makes sure that one process works on a data folder: a second one would sign
 * with retired keys and wake only its own streams.
 *
 * @throws {ControlPlaneStartError} kind "already_running"
 */
export function lockDataFolder(dataDir: string): Disposable {
  const path = `${dataDir}/lock`;
  const file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
  if (!file.tryLockSync(true)) {
    file.close();
    throw new ControlPlaneStartError(
      "already_running",
      `Another control plane works on ${dataDir}: stop it, or choose another ` +
        "folder with --data-dir",
    );
  }
  return {
    [Symbol.dispose]() {
      // A child that another thread is just starting holds a copy of the
      // descriptor: closing ours would not free the lock at once.
      file.unlockSync();
      file.close();
    },
  };
}
