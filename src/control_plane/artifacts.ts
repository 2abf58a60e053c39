/** A file of the folder of artifacts, open for reading. */
export interface Artifact {
  readonly bytes: number;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What an artifact is for: a release of plexd, and where it runs. */
export interface ArtifactName {
  readonly version: string;
  readonly os: string;
  readonly arch: string;
}

/** Without a slash or a leading dot, a name stays within its folder. */
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
const SYSTEM = /^[a-z0-9][a-z0-9_]{0,31}$/;

/**
 * The releases of plexd that operators laid out for nodes, as
 * `<version>/plexd-<os>-<arch>` below one folder.
 */
export class Artifacts {
  readonly #folder: string | undefined;

  /** @param folder Without one there are no artifacts. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** @returns undefined where there is no such file, nor can be one. */
  async open({ version, os, arch }: ArtifactName): Promise<
    Artifact | undefined
  > {
    if (!SYSTEM.test(os) || !SYSTEM.test(arch)) return undefined;
    const folder = this.#folderOf(version);
    if (folder === undefined) return undefined;
    return await openFile(`${folder}/plexd-${os}-${arch}`);
  }

  /** What there is of a version, in no particular order. */
  async namesOf(version: string): Promise<ArtifactName[]> {
    const folder = this.#folderOf(version);
    if (folder === undefined) return [];
    const names: ArtifactName[] = [];
    try {
      for await (const { name } of Deno.readDir(folder)) {
        const [, os, arch] = /^plexd-([a-z0-9_]+)-([a-z0-9_]+)$/.exec(name) ??
          [];
        if (os && arch) names.push({ version, os, arch });
      }
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    return names;
  }

  #folderOf(version: string): string | undefined {
    if (this.#folder === undefined || !VERSION.test(version)) return undefined;
    return `${this.#folder}/${version}`;
  }
}

async function openFile(path: string): Promise<Artifact | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const { isFile, size } = await file.stat();
  if (isFile) return { bytes: size, body: file.readable };
  file.close();
  return undefined;
}

function isMissing(error: unknown) {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
}
