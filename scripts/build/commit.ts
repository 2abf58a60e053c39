import { BuildError } from "./build_error.ts";
import { ROOT } from "./places.ts";
import { runTool } from "./run_tool.ts";

/** What is built, as git knows it. */
export interface Commit {
  readonly commit: string;
  /** ISO 8601, UTC. */
  readonly committedAt: string;
}

/**
 * The commit that is checked out.
 *
 * @throws {BuildError} when this is no checkout.
 */
export async function readCommit(): Promise<Commit> {
  const git = (...args: string[]) => runTool("git", args, { cwd: ROOT });
  const head = await git("show", "-s", "--format=%H %ct", "HEAD");
  const found = /^([0-9a-f]{40,64}) (\d+)\n$/.exec(head.stdout);
  if (!head.success || !found) {
    throw new BuildError(
      "The commit cannot be read, so the version would say nothing",
      `build in a checkout made with git (${head.stderr.trim()})`,
    );
  }
  const [, commit, seconds] = found;
  const changes = await git("status", "--porcelain", "--", ...SOURCES);
  const mark = changes.stdout.trim() === "" ? "" : "-dirty";
  return {
    commit: commit! + mark,
    committedAt: new Date(Number(seconds) * 1000).toISOString()
      .replace(".000Z", "Z"),
  };
}

/** Everything that becomes part of the program. */
export const SOURCES = ["main.ts", "src", "deno.json", "deno.lock"] as const;
