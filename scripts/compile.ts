/**
 * Makes `dist/plexd`, one file with everything in it.
 *
 *     deno task compile [--target x86_64|arm64] [--output FILE]
 *
 * Deno's own base runtime is downloaded; where that cannot be reached, a pinned
 * substitute is taken, which the version then says. `DENORT_BIN` names another
 * one. Two builds of one commit are the same bytes.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildPlexd } from "./build/build.ts";
import { DIST } from "./build/places.ts";
import { runTask, say } from "./build/say.ts";
import { ownTarget, targetOf } from "./build/target.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { target: { type: "string" }, output: { type: "string" } },
});

Deno.exit(
  await runTask(async () => {
    const target = values.target === undefined
      ? ownTarget()
      : targetOf(values.target);
    if (target.arch === "arm64") {
      say("note: no test has run on arm64");
    }
    const output = resolve(values.output ?? `${DIST}/plexd`);
    await buildPlexd(target, output, say);
  }),
);
