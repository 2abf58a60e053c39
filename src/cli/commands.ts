import type { Command, Flag } from "./command.ts";
import { OUTPUT, RUNNING } from "./commands/flags.ts";
import { INSTALL } from "./commands/install.ts";
import { LOOK } from "./commands/look.ts";
import { NODE } from "./commands/node.ts";
import { REPAIR } from "./commands/repair.ts";
import { RUN } from "./commands/run.ts";
import { SHELL } from "./commands/shell.ts";
import { USE } from "./commands/use.ts";

/** Commands that a person looks for in one place. */
export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly Command[];
}

/** In the order of `plexd --help`. */
export const GROUPS: readonly CommandGroup[] = [
  { title: "Run", commands: RUN },
  { title: "Install", commands: INSTALL },
  { title: "Node", commands: NODE },
  { title: "Look", commands: LOOK },
  { title: "Use", commands: USE },
  { title: "Repair", commands: REPAIR },
  { title: "Shell", commands: SHELL },
];

/**
 * Every command. Help texts, usage errors, completions and manual pages all
 * come from here.
 */
export const COMMANDS: readonly Command[] = GROUPS.flatMap(({ commands }) =>
  commands
);

/** First words that several commands share, and what they are about. */
export const FAMILIES: Readonly<Record<string, string>> = {
  "config": "Look at the configuration",
  "store": "Look after what is on disk",
};

/** Commands whose first word is `family`. */
export function commandsOf(family: string): readonly Command[] {
  return COMMANDS.filter(({ name }) => name.startsWith(`${family} `));
}

/** Flags that several commands share, for a line that names no command. */
export const COMMON_FLAGS: readonly Flag[] = [...RUNNING, OUTPUT];

/** All flags that a command takes, its own first. */
export function flagsOf(command: Command): readonly Flag[] {
  return [...command.flags, ...command.common];
}
