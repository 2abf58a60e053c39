import { createHash } from "node:crypto";
import { describeError } from "../platform/log.ts";
import { ControlPlaneStartError } from "./start_error.ts";

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

/** What nodes check a file against. */
export interface ArtifactSum {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Without a slash or a leading dot, a name stays within its folder. */
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
const SYSTEM = /^[a-z0-9][a-z0-9_]{0,31}$/;

/**
 * Sees at the start that the folder of artifacts can be read: a wrong one would
 * tell every node that there are no releases.
 *
 * @throws {ControlPlaneStartError} kind "artifacts"
 */
export async function checkArtifactsFolder(folder: string): Promise<void> {
  try {
    for await (const _name of Deno.readDir(folder)) break;
  } catch (cause) {
    throw new ControlPlaneStartError(
      "artifacts",
      `The folder of artifacts ${folder} cannot be read (${
        describeError(cause)
      }): ` +
        "make it, or name another one with --artifacts",
      cause,
    );
  }
}

/**
 * The releases of plexd that operators laid out for nodes, as
 * `<version>/plexd-<os>-<arch>` below one folder.
 */
export class Artifacts {
  readonly #folder: string | undefined;
  /** By path; a file that was replaced is read again. */
  readonly #sums = new Map<string, ArtifactSum & { readonly stamp: string }>();

  /** @param folder Without one there are no artifacts. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** @returns undefined where there is no such file, nor can be one. */
  async open(name: ArtifactName): Promise<Artifact | undefined> {
    const path = this.#pathOf(name);
    return path === undefined ? undefined : await openFile(path);
  }

  /** @returns undefined where there is no such file, nor can be one. */
  async sumOf(name: ArtifactName): Promise<ArtifactSum | undefined> {
    const path = this.#pathOf(name);
    const opened = path === undefined ? undefined : await openFile(path);
    if (path === undefined || !opened) return undefined;
    const { body, bytes, stamp } = opened;
    const known = this.#sums.get(path);
    if (known?.stamp === stamp) {
      await body.cancel();
      return { sha256: known.sha256, bytes };
    }
    const hash = createHash("sha256");
    for await (const chunk of body) hash.update(chunk);
    const sha256 = hash.digest("hex");
    this.#sums.set(path, { sha256, bytes, stamp });
    return { sha256, bytes };
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

  #pathOf({ version, os, arch }: ArtifactName): string | undefined {
    if (!SYSTEM.test(os) || !SYSTEM.test(arch)) return undefined;
    const folder = this.#folderOf(version);
    return folder === undefined ? undefined : `${folder}/plexd-${os}-${arch}`;
  }

  #folderOf(version: string): string | undefined {
    if (this.#folder === undefined || !VERSION.test(version)) return undefined;
    return `${this.#folder}/${version}`;
  }
}

async function openFile(
  path: string,
): Promise<Artifact & { readonly stamp: string } | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const { isFile, size, ino, mtime } = await file.stat();
  if (isFile) {
    const stamp = `${ino} ${size} ${mtime?.getTime()}`;
    return { bytes: size, body: file.readable, stamp };
  }
  file.close();
  return undefined;
}

function isMissing(error: unknown) {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
}
