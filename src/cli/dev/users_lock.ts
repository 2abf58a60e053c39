/**
 * Keeps a temporary folder alive while any process of a `plexd dev` uses it,
 * so that the last one can remove it, whichever that is: when the parent is
 * killed, its children have to clean up.
 */
export class UsersLock {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Joins the users of the folder whose lock file is at `path`. */
  static async join(path: string): Promise<UsersLock> {
    const file = await Deno.open(path, {
      read: true,
      write: true,
      create: true,
      mode: 0o600,
    });
    await file.lock(false);
    return new UsersLock(file);
  }

  /**
   * Leaves. Of two that leave at once, the one that unlocks last finds nobody
   * else and keeps the lock, so at most one is told to clean up.
   *
   * @returns whether nobody else is left.
   */
  leave(): boolean {
    this.#file.unlockSync();
    return this.#file.tryLockSync(true);
  }

  close(): void {
    this.#file.close();
  }
}
