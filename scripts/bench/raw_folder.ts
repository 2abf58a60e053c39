/** What replacing a file durably costs with nothing around it. */
const CONTENT = new Uint8Array(1_024).fill(0x61);

/** A folder in which files of 1 KiB are replaced, each in its turn. */
export class RawFolder {
  readonly #path: string;
  readonly #files: number;
  readonly #names: Deno.FsFile;
  #written = 0;

  /** @param files How many files take turns. */
  constructor(path: string, files: number) {
    this.#path = path;
    this.#files = files;
    this.#names = Deno.openSync(path);
  }

  /** Exclusive create, write, sync, rename, sync of the folder. */
  replaceNext(): void {
    const temporary = `${this.#path}/new-${this.#written}`;
    {
      using file = Deno.openSync(temporary, {
        write: true,
        createNew: true,
        mode: 0o600,
      });
      file.writeSync(CONTENT);
      file.syncDataSync();
    }
    const name = `${this.#written++ % this.#files}.json`;
    Deno.renameSync(temporary, `${this.#path}/${name}`);
    this.#names.syncSync();
  }
}
