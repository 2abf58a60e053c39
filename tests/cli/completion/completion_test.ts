import assert from "node:assert/strict";
import { bashCompletion } from "../../../src/cli/completion/bash.ts";
import { COMPLETIONS } from "../../../src/cli/completion/command.ts";
import { fishCompletion } from "../../../src/cli/completion/fish.ts";
import { zshCompletion } from "../../../src/cli/completion/zsh.ts";
import { allCommands, flagsOf } from "../../../src/cli/command_table.ts";
import { TABLE } from "../../../src/cli/commands.ts";
import { hasTool, reasonWithout, runTool } from "../tool.ts";

/** Words of a line, the last one not yet whole, and what a shell proposes. */
const lines: readonly {
  readonly words: readonly string[];
  readonly proposed: readonly string[];
}[] = [
  { words: ["st"], proposed: ["state", "status", "store"] },
  {
    words: ["store", ""],
    proposed: [
      "accept-epoch",
      "backup",
      "migrate",
      "repair",
      "restore",
      "verify",
    ],
  },
  { words: ["--cluster", "x", "config", "ch"], proposed: ["check"] },
  { words: ["peers", "--output", ""], proposed: ["json", "table", "yaml"] },
  { words: ["--log-level", "d"], proposed: ["debug"] },
  {
    words: ["state", "get", ""],
    proposed: ["data", "metadata", "report"],
  },
  { words: ["state", "get", "data", ""], proposed: [] },
  { words: ["secrets", ""], proposed: ["get", "list"] },
  { words: ["help", "store", "ver"], proposed: ["verify"] },
  { words: ["completion", ""], proposed: ["bash", "fish", "zsh"] },
  { words: ["dev", "--to"], proposed: ["--tour"] },
  { words: ["up", "--die"], proposed: [] },
  { words: ["config", "check", "/etc/pass"], proposed: ["/etc/passwd"] },
  { words: ["dev", "--data-dir", "/et"], proposed: ["/etc"] },
  { words: ["up", "--config", "/etc/host"], proposed: ["/etc/hosts"] },
];

/** What has other endings on another machine. */
function comparable(proposed: readonly string[]): string[] {
  return proposed.map((one) => one.replace(/\/$/, ""))
    .filter((one) => !/^\/etc\/(passwd-|host[^s]|hosts\.)/.test(one))
    .sort();
}

async function inFile(
  text: string,
  work: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await work(path);
  } finally {
    await Deno.remove(path);
  }
}

for (const { words, proposed } of lines) {
  const typed = `plexd ${words.join(" ")}`;
  Deno.test(`bash completes "${typed}"`, () =>
    inFile(bashCompletion(TABLE), async (path) => {
      const { stdout, stderr } = await runTool("bash", [
        "--norc",
        "-uc",
        `source ${path}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _plexd
         printf '%s\\n' "\${COMPREPLY[@]}"`,
        "_",
        "plexd",
        ...words,
      ]);
      assert.equal(stderr, "");
      const found = stdout.split("\n").filter((one) => one !== "");
      assert.deepEqual(comparable(found), proposed);
    }));

  Deno.test({
    name: `fish completes "${typed}"${reasonWithout("fish")}`,
    ignore: !hasTool("fish"),
    fn: () =>
      inFile(fishCompletion(TABLE), async (path) => {
        const { stdout, stderr } = await runTool("fish", [
          "--no-config",
          "-c",
          `source ${path}; complete -C '${typed}'`,
        ]);
        assert.equal(stderr, "");
        const found = stdout.split("\n").filter((one) => one !== "")
          .map((line) => line.split("\t")[0]!);
        assert.deepEqual(comparable(found), proposed);
      }),
  });
}

Deno.test("bash completes a value after =, which it takes for a word", () =>
  inFile(bashCompletion(TABLE), async (path) => {
    const { stdout } = await runTool("bash", [
      "--norc",
      "-uc",
      `source ${path}; COMP_WORDS=(plexd --output = json peers --output = y)
       COMP_CWORD=7; _plexd; echo "\${COMPREPLY[@]}"`,
    ]);
    assert.equal(stdout, "yaml\n");
  }));

/** Names that a control plane could make up. */
const ODD_NAMES = ["db-password", "db/tls.key", "d$(touch /tmp/x)", "d;e", "x"];

Deno.test("bash completes names of secrets, and runs nothing that stands in them", () =>
  inFile(bashCompletion(TABLE), async (path) => {
    const { stdout, stderr } = await runTool("bash", [
      "--norc",
      "-uc",
      `source ${path}; names=("$@")
       plexd() { [[ "$*" == "secrets list" ]] && printf '%s\\n' "\${names[@]}"; }
       COMP_WORDS=(plexd secrets get d); COMP_CWORD=3; _plexd
       printf '%s\\n' "\${COMPREPLY[@]}"`,
      "_",
      ...ODD_NAMES,
    ]);
    assert.equal(stderr, "");
    assert.equal(stdout, "db-password\ndb/tls.key\n");
  }));

/** The helpers of its completion system, as texts that a test can read. */
const ZSH_HELPERS = `
_describe() { print -rl -- \${\${(P)2}%%:*} }
_arguments() { print -rl -- "$@" }
compdef() { }
`;

const zshLines = [
  { words: ["st"], says: /^status\n(?:.*\n)*state\n(?:.*\n)*store\n/m },
  { words: ["store", "ver"], says: /^verify$/m },
  { words: ["help", "config", ""], says: /^check$/m },
  {
    words: ["peers", "--output", ""],
    says: /^--output=\[table, json or yaml\]:FORM:\(table json yaml\)$/m,
  },
  { words: ["state", "get", ""], says: /^3:TYPE:\(metadata data report\)$/m },
  { words: ["secrets", "get", ""], says: /^3:SECRET:_plexd_secrets$/m },
  { words: ["config", "check", ""], says: /^3::FILE:_files$/m },
  { words: ["--cluster", "x", "up", "--"], says: /^--token-file=\[/m },
];
for (const { words, says } of zshLines) {
  Deno.test({
    name: `zsh completes "plexd ${words.join(" ")}"${reasonWithout("zsh")}`,
    ignore: !hasTool("zsh"),
    fn: () =>
      inFile(zshCompletion(TABLE), async (path) => {
        const { stdout, stderr } = await runTool("zsh", [
          "-fc",
          `${ZSH_HELPERS}\nsource ${path}\nwords=("$@") CURRENT=$#\n_plexd`,
          "_",
          "plexd",
          ...words,
        ]);
        assert.equal(stderr, "");
        assert.match(stdout, says);
      }),
  });
}

for (const [shell, completion] of Object.entries(COMPLETIONS)) {
  Deno.test({
    name: `the completion for ${shell} has its syntax${reasonWithout(shell)}`,
    ignore: !hasTool(shell),
    fn: () =>
      inFile(completion(TABLE), async (path) => {
        const { code, stderr } = await runTool(shell, ["-n", path]);
        assert.deepEqual([code, stderr], [0, ""]);
      }),
  });

  Deno.test(`the completion for ${shell} names every command and flag`, () => {
    const text = completion(TABLE);
    for (const command of allCommands(TABLE)) {
      assert.ok(text.includes(command.name), command.name);
      for (const { name, hidden } of flagsOf(command)) {
        if (hidden) continue;
        const spelled = shell === "fish" ? `-l ${name.slice(2)} ` : name;
        assert.ok(`${text} `.includes(spelled), `${command.name} ${name}`);
      }
    }
  });
}
