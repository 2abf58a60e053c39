import assert from "node:assert/strict";
import { commandsOf } from "../../src/cli/command_table.ts";
import { COMMANDS, TABLE } from "../../src/cli/commands.ts";
import { helpFor, helpText } from "../../src/cli/help.ts";
import { OUTPUT_FORMS } from "../../src/cli/output/forms.ts";
import { plexdPage } from "../../src/cli/manual/plexd_page.ts";
import { text } from "../../src/cli/manual/roff.ts";
import { NO_SCREEN } from "../../src/cli/output/screen.ts";
import { parseLine } from "../../src/cli/parse_args.ts";

/** Of the terminal that help must fit. */
const SCREEN = { columns: 80, rows: 44 };

Deno.test("plexd --help fits one screen", () => {
  const lines = helpText(TABLE, NO_SCREEN).split("\n");
  assert.ok(lines.length < SCREEN.rows, `${lines.length} lines`);
  for (const line of lines) assert.ok(line.length <= SCREEN.columns, line);
});

Deno.test("plexd --help names every command, or the family that has it", () => {
  const text = helpText(TABLE, NO_SCREEN);
  for (const { name } of COMMANDS) {
    const first = name.split(" ")[0]!;
    const isFolded = Object.hasOwn(TABLE.families, first) &&
      commandsOf(TABLE, first).length > 1;
    assert.match(text, new RegExp(` ${isFolded ? first : name} `));
  }
});

for (const family of Object.keys(TABLE.families)) {
  Deno.test(`plexd ${family} alone lists its commands`, () => {
    const text = helpFor(TABLE, { family }, NO_SCREEN);
    for (const { name, summary } of COMMANDS) {
      if (!name.startsWith(`${family} `)) continue;
      assert.ok(text.includes(name));
      assert.ok(text.replace(/\n {2,}/g, " ").includes(summary));
    }
  });
}

for (const command of COMMANDS) {
  Deno.test(`plexd ${command.name} has examples that can be typed`, () => {
    assert.ok(command.examples.length > 0);
    for (const { line } of command.examples) {
      const words = line.replace(/^sudo (?:-u plexd )?|^source <\(|\)$/g, "")
        .replace(/ [<>] \S+$/, "")
        .match(/'[^']*'|\S+/g)!.map((word) => word.replace(/^'|'$/g, ""));
      assert.equal(words.shift(), "plexd");
      assert.equal(parseLine(words).command, command, line);
    }
  });
}

Deno.test("help and manual name the exit codes that a command has, and no others", () => {
  const manual = plexdPage(TABLE, { version: "1" });
  for (const command of COMMANDS) {
    const { name, exits } = command;
    assert.deepEqual(exits, exits.toSorted((a, b) => a - b), name);
    const help = helpFor(TABLE, { command }, NO_SCREEN);
    const [, section = ""] = /\nExit codes:\n((?: .*\n)+)/.exec(help) ?? [];
    const codes = [...section.matchAll(/^ {2}(\d+) /gm)].map(([, code]) =>
      Number(code)
    );
    assert.deepEqual(codes, [0, 1, 2, ...exits], name);
    const at = manual.indexOf(`\n${text(`${command.summary}.`)}\n`);
    assert.ok(at > 0, name);
    const told = /^Exit status: (.*)\.$/m.exec(manual.slice(at))?.[1];
    assert.equal(told, codes.join(", "), name);
  }
});

for (const columns of [60, 80, 200]) {
  Deno.test(`help fits a terminal of ${columns} columns`, () => {
    const screen = { columns, steerable: true, colour: false };
    for (const command of COMMANDS) {
      const described = helpFor(TABLE, { command }, screen).split(
        "\nExamples:",
      )[0]!;
      // Usage and examples stay whole, for copying; so does a long path.
      const lines = described.split("\n").filter((line) =>
        !line.startsWith("Usage:") && line.trim().includes(" ")
      );
      for (const line of lines.slice(1)) {
        assert.ok(line.length <= columns, `${command.name}: ${line}`);
      }
    }
  });
}

Deno.test("every command that reads has all forms of output", () => {
  const reading = TABLE.groups.find(({ title }) => title === "Look")!.commands
    // The journal has forms of its own.
    .filter(({ name }) => name !== "logs");
  assert.ok(reading.length > 10);
  for (const { name, common } of reading) {
    const output = common.find((flag) => flag.name === "--output");
    assert.deepEqual(output?.choices, OUTPUT_FORMS, name);
  }
});
