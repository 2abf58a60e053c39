import type { Command } from "../command.ts";
import { HELP_FLAGS, OUTPUT } from "./flags.ts";

/** What makes plexd at home in a shell. */
export const SHELL: readonly Command[] = [
  {
    name: "help",
    summary: "Explain plexd, or one of its commands",
    args: [{
      name: "COMMAND",
      doc: "its words, such as store verify",
      optional: true,
      repeated: true,
    }],
    flags: [],
    common: HELP_FLAGS,
    exits: [],
    examples: [
      { line: "plexd help", doc: "every command" },
      { line: "plexd help store", doc: "the commands that begin with store" },
      { line: "plexd help store verify", doc: "one command" },
    ],
    load: async () => (await import("../help_command.ts")).help,
  },
  {
    name: "completion",
    summary: "Print what completes plexd in a shell",
    args: [{
      name: "SHELL",
      doc: "bash, zsh or fish",
      choices: ["bash", "zsh", "fish"],
    }],
    flags: [],
    common: HELP_FLAGS,
    exits: [],
    examples: [
      {
        line: "source <(plexd completion bash)",
        doc: "in ~/.bashrc; a release brings it along",
      },
      {
        line: 'plexd completion zsh > "$fpath[1]/_plexd"',
        doc: "for zsh, before compinit",
      },
      {
        line: "plexd completion fish > ~/.config/fish/completions/plexd.fish",
        doc: "for fish",
      },
    ],
    load: async () => (await import("../completion/command.ts")).completion,
  },
  {
    name: "version",
    summary: "Print the version of plexd and of its runtime",
    args: [],
    flags: [],
    common: [OUTPUT, ...HELP_FLAGS],
    exits: [],
    examples: [
      { line: "plexd version", doc: "the same as plexd --version" },
      { line: "plexd version --output json", doc: "for programs" },
    ],
    load: async () => (await import("../version_command.ts")).version,
  },
];
