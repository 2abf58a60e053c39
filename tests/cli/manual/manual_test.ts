import assert from "node:assert/strict";
import { cliDocs, writeCliDocs } from "../../../scripts/cli_docs.ts";
import { allCommands, flagsOf } from "../../../src/cli/command_table.ts";
import { TABLE } from "../../../src/cli/commands.ts";
import { configPage } from "../../../src/cli/manual/config_page.ts";
import { plexdPage } from "../../../src/cli/manual/plexd_page.ts";
import { text } from "../../../src/cli/manual/roff.ts";
import { NAMES } from "../../../src/config/resolve_name.ts";
import { ALIASES, SETTINGS } from "../../../src/config/settings.ts";
import { hasTool, reasonWithout, runTool } from "../tool.ts";

const RELEASE = { version: "1.2.3", date: "2026-03-01" };

/** As a reader sees it: without macros and fonts. */
function readable(page: string): string {
  return page.replace(/\\f[BIR]/g, "").replaceAll("\\-", "-")
    .replaceAll("\\&", "").replaceAll("\\e", "\\");
}

Deno.test("plexd(1) tells every command, its flags and its examples", () => {
  const page = readable(plexdPage(TABLE, RELEASE));
  for (const command of allCommands(TABLE)) {
    assert.ok(page.includes(`plexd ${command.name}`), command.name);
    assert.ok(page.includes(`${command.summary}.`), command.summary);
    for (const { line } of command.examples) assert.ok(page.includes(line));
    for (const { name, hidden } of flagsOf(command)) {
      if (!hidden) assert.ok(page.includes(name), `${command.name} ${name}`);
    }
  }
  assert.doesNotMatch(page, /die-with-stdin|users-lock/);
});

Deno.test("plexd-config(5) tells every setting, and old spellings", () => {
  const page = readable(configPage(RELEASE));
  for (const name of NAMES) {
    assert.ok(page.includes(`\n${name} (${SETTINGS[name].form})\n`), name);
  }
  for (const alias of Object.keys(ALIASES)) {
    assert.ok(page.includes(`.TP\n${alias}\n`), alias);
  }
});

for (const line of [".so /etc/passwd", "'br", "a\\fBb", "--flag"]) {
  Deno.test(`text() is no command of the page: ${line}`, () => {
    assert.equal(readable(text(line)), line);
    assert.doesNotMatch(text(line), /^[.']|\\f/);
  });
}

for (const [path, page] of cliDocs(RELEASE)) {
  if (!path.startsWith("man/")) continue;
  Deno.test({
    name: `mandoc has nothing to say about ${path}${reasonWithout("mandoc")}`,
    ignore: !hasTool("mandoc"),
    fn: async () => {
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, page);
      const { stdout } = await runTool("mandoc", [
        "-T",
        "lint",
        "-W",
        "warning",
        file,
      ]);
      await Deno.remove(file);
      assert.equal(stdout, "");
    },
  });

  Deno.test({
    name: `man shows ${path} without a warning${reasonWithout("man", "groff")}`,
    ignore: !hasTool("man") || !hasTool("groff"),
    fn: async () => {
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, page);
      const { code, stdout, stderr } = await runTool(
        "man",
        ["--warnings=w", "-l", file],
        // Examples are not broken into lines.
        { MANWIDTH: "120", MANPAGER: "cat", PAGER: "cat" },
      );
      await Deno.remove(file);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, /plexd 1\.2\.3/);
    },
  });
}

Deno.test("writeCliDocs() makes every file below a new folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const written = await writeCliDocs(`${folder}/a`, RELEASE);
    assert.deepEqual(written, [
      "man/plexd.1",
      "man/plexd-config.5",
      "completions/plexd.bash",
      "completions/_plexd",
      "completions/plexd.fish",
    ]);
    for (const [path, text] of cliDocs(RELEASE)) {
      assert.equal(await Deno.readTextFile(`${folder}/a/${path}`), text);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
