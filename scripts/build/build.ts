import { versionOn } from "../../src/cli/version.ts";
import { findBase } from "./base_runtime.ts";
import { BuildError } from "./build_error.ts";
import { bundle } from "./bundle.ts";
import { readCommit } from "./commit.ts";
import { compileBinary } from "./compile_binary.ts";
import { DIST } from "./places.ts";
import { needTool, runTool } from "./run_tool.ts";
import { mebibytes, type Say } from "./say.ts";
import { stageSources } from "./stage.ts";
import { ownTarget, type Target } from "./target.ts";

/** The bundler whose output is known to be the same on every machine. */
export const BUNDLER = "2.9.6";

/** A program that was built. */
export interface Built {
  readonly version: string;
  /** Date of its commit, seconds since the Unix epoch. */
  readonly epochSeconds: number;
}

/** What a build has to keep to. */
export interface BuildRules {
  /** It is published: from a commit as it is. @default {false} */
  readonly release?: boolean;
  /** Another base runtime than Deno's own will do. @default {true} */
  readonly anyBase?: boolean;
}

/**
 * Builds plexd from the sources as they are.
 *
 * @param output Path of the program; it appears whole or not at all. Beside it,
 * with `.maps`, comes a folder that leads from places in stack traces to sources.
 * @throws {BuildError}
 */
export async function buildPlexd(
  target: Target,
  output: string,
  say: Say,
  { release = false, anyBase = true }: BuildRules = {},
): Promise<Built> {
  if (Deno.version.deno !== BUNDLER) {
    throw new BuildError(
      `plexd is built with Deno ${BUNDLER}; this is ${Deno.version.deno}`,
      `run: npx -y deno@${BUNDLER} task compile`,
    );
  }
  await Deno.mkdir(DIST, { recursive: true });
  const work = await Deno.makeTempDir({ dir: DIST, prefix: "build-" });
  try {
    say("1/4 base runtime");
    const runtime = await findBase(target, `${work}/try`, say);
    if (!anyBase && runtime.base !== "official") {
      throw new BuildError(
        "This would not be on Deno's own base runtime",
        "if that is wanted: --any-base; the version then says it",
      );
    }
    const commit = await readCommit();
    if (release && commit.commit.endsWith("-dirty")) {
      throw new BuildError(
        "A release is of a commit, and files here differ from it",
        "commit what has changed, or take a fresh checkout",
      );
    }
    const epochSeconds = Date.parse(commit.committedAt) / 1000;
    const version = versionOn(runtime.base);
    say(`2/4 sources: plexd ${version}, commit ${commit.commit}`);
    await stageSources(`${work}/plexd`, { ...commit, base: runtime.base });
    say("3/4 bundle");
    const maps = `${work}/maps`;
    await bundle(`${work}/plexd`, `${work}/bundle`, maps, epochSeconds);
    say(`    ${mebibytes(await sizeOf(`${work}/bundle`))} of JavaScript`);
    say(`4/4 compile for ${target.triple}`);
    await compileBinary(`${work}/bundle`, `${work}/out/plexd`, runtime, target);
    await checkStarts(`${work}/out/plexd`, version, target);
    await Deno.rename(`${work}/out/plexd`, output);
    await needTool("rm", ["-rf", `${output}.maps`]);
    await Deno.rename(maps, `${output}.maps`);
    const { size } = await Deno.stat(output);
    say(`${output}: ${mebibytes(size)}`);
    return {
      version,
      epochSeconds,
    };
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Compiler and base runtime of different versions make what does not start. */
async function checkStarts(program: string, version: string, target: Target) {
  if (target.arch !== ownTarget().arch) return;
  const { stdout, stderr } = await runTool(program, ["--version"]);
  if (stdout.startsWith(`plexd version ${version}\n`)) return;
  throw new BuildError(
    `What was compiled does not start: ${(stderr || stdout).slice(0, 300)}`,
    "a base runtime named with DENORT_BIN must be of exactly this Deno",
  );
}

async function sizeOf(folder: string): Promise<number> {
  let sum = 0;
  for await (const { name } of Deno.readDir(folder)) {
    sum += (await Deno.stat(`${folder}/${name}`)).size;
  }
  return sum;
}
