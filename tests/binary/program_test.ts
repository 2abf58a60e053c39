import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { ROOT } from "../../scripts/build/places.ts";
import { BUNDLER } from "../../scripts/build/build.ts";
import { runPlexd } from "../cli/run_plexd.ts";

const BINARY = Deno.env.get("PLEXD_BIN") ?? "";
const ignore = BINARY === "";

Deno.test({
  name: "the program names its commit and the time of it",
  ignore,
  async fn() {
    const { code, stdout } = await runPlexd(["--version"]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^plexd version \d+\.\S+\ncommit: [0-9a-f]{40}(-dirty)?\nbuilt: 20\d\d-\S+Z\nruntime: deno \S+\n$/,
    );
  },
});

Deno.test({
  name: "no path of whoever has built it is in the program",
  ignore,
  async fn() {
    const program = new TextDecoder("latin1").decode(
      await Deno.readFile(resolve(BINARY)),
    );
    const home = Deno.env.get("HOME");
    for (const path of [`${ROOT}/`, ...(home ? [`${home}/.cache`] : [])]) {
      const at = program.indexOf(path);
      assert.equal(at, -1, program.slice(Math.max(0, at - 80), at + 80));
    }
  },
});

Deno.test({
  name: "two builds of one commit, in different folders, are the same bytes",
  ignore: ignore || Deno.version.deno !== BUNDLER,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "plexd-builds-" });
    try {
      const first = await buildIn(`${folder}/first`);
      const second = await buildIn(`${folder}/a/longer/way/to/the/second`);
      assert.equal(first, second);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** @returns the SHA-256 of a build of a new checkout. */
async function buildIn(checkout: string): Promise<string> {
  await run("git", ["clone", "--quiet", ROOT, checkout]);
  await run(Deno.execPath(), ["task", "--cwd", checkout, "compile"]);
  const program = await Deno.readFile(`${checkout}/dist/plexd`);
  return createHash("sha256").update(program).digest("hex");
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
