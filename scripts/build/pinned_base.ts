import { createHash } from "node:crypto";
import { BuildError } from "./build_error.ts";
import { cacheFolder } from "./places.ts";
import { needTool } from "./run_tool.ts";
import { mebibytes, type Say } from "./say.ts";

/** A file of a package, pinned to its bytes. */
export interface PinnedFile {
  /** What it is called in the cache. */
  readonly name: string;
  /** Package and version. */
  readonly from: string;
  readonly path: string;
  /** Its first bytes only. @default {all of it} */
  readonly bytes?: number;
  /** SHA-256 of what is kept, in hex. */
  readonly sha256: string;
  /** What is downloaded, in bytes; for the terminal. */
  readonly download: number;
}

/**
 * The begin of a program that `deno compile` 2.7.11 made: its base runtime as
 * it was, up to the end of its ELF sections.
 */
const RUNTIME: PinnedFile = {
  name: "denort-2.7.11",
  from: "@stdy/cli-linux-x64@0.22.2",
  path: "package/bin/steady",
  bytes: 97_076_048,
  sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
  download: 38_431_336,
};

/** The compiler of the same version: another one makes what does not start. */
const COMPILER: PinnedFile = {
  name: "deno-2.7.11",
  from: "@deno/linux-x64-glibc@2.7.11",
  path: "package/deno",
  sha256: "e518fbc96877fbc2b37820ec54a02e473166cb25a5d4d627ffde37360fd7d210",
  download: 47_000_000,
};

/** Paths of compiler and base runtime, both checked. */
export interface PinnedTools {
  readonly compiler: string;
  readonly runtime: string;
}

/** @throws {BuildError} when they cannot be had, or are not what is pinned. */
export async function pinnedTools(say: Say): Promise<PinnedTools> {
  return {
    runtime: await pinnedFile(RUNTIME, say),
    compiler: await pinnedFile(COMPILER, say),
  };
}

/** Where a pinned file is kept, and what the tools see that get it. */
export interface PinOptions {
  /** @default {the cache of builds} */
  readonly folder?: string;
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A pinned file in the cache, downloaded if it is not there yet.
 *
 * @returns its path.
 * @throws {BuildError}
 */
export async function pinnedFile(
  pin: PinnedFile,
  say: Say,
  { folder = cacheFolder(), env = {} }: PinOptions = {},
): Promise<string> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const path = `${folder}/${pin.name}`;
  if (await sha256Of(path) === pin.sha256) {
    say(`  ${pin.name}: in ${folder}, its hash is right`);
    return path;
  }
  say(`  ${pin.name}: npm pack ${pin.from}, ${mebibytes(pin.download)}`);
  const work = await Deno.makeTempDir({ dir: folder });
  try {
    await download(pin, work, env);
    const found = `${work}/${pin.path}`;
    if (pin.bytes !== undefined) await Deno.truncate(found, pin.bytes);
    const actual = await sha256Of(found);
    if (actual !== pin.sha256) {
      throw new BuildError(
        `${pin.from} is not what is pinned: SHA-256 ${actual}, not ${pin.sha256}`,
        "the registry serves something else; nothing of it was run",
      );
    }
    await Deno.chmod(found, 0o755);
    await Deno.rename(found, path);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return path;
}

async function download(
  { from, path }: PinnedFile,
  work: string,
  env: Readonly<Record<string, string>>,
) {
  // Packing runs no script of the package.
  await needTool("npm", ["pack", "--silent", "--ignore-scripts", from], {
    cwd: work,
    env,
  });
  const archives = [...Deno.readDirSync(work)].map(({ name }) => name);
  await needTool("tar", ["-xzf", archives[0]!, path], { cwd: work });
}

/** @returns undefined when there is no such file. */
async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(1 << 20);
    for (;;) {
      const count = await file.read(buffer);
      if (count === null) return hash.digest("hex");
      hash.update(buffer.subarray(0, count));
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
