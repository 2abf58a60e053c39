import type { Command, CommandGroup, CommandTable } from "./command.ts";
import { allCommands } from "./command_table.ts";
import { ADMIN } from "./commands/admin.ts";
import { OUTPUT, RUNNING } from "./commands/flags.ts";
import { INSTALL } from "./commands/install.ts";
import { LOOK } from "./commands/look.ts";
import { NODE } from "./commands/node.ts";
import { REPAIR } from "./commands/repair.ts";
import { RUN } from "./commands/run.ts";
import { SHELL } from "./commands/shell.ts";
import { USE } from "./commands/use.ts";

const GROUPS: readonly CommandGroup[] = [
  { title: "Run", commands: RUN },
  { title: "Install", commands: INSTALL },
  { title: "Node", commands: NODE },
  { title: "Look", commands: LOOK },
  { title: "Use", commands: USE },
  { title: "Repair", commands: REPAIR },
  { title: "Operate", commands: ADMIN },
  { title: "Shell", commands: SHELL },
];

const FAMILIES: Readonly<Record<string, string>> = {
  "admin": "Operate a control plane",
  "config": "Look at the configuration",
  "secrets": "Read secrets",
  "store": "Look after what is on disk",
};

/**
 * Every command. Parser, help texts, usage errors, completions and manual pages
 * all come from here.
 */
export const TABLE: CommandTable = {
  groups: GROUPS,
  families: FAMILIES,
  commonFlags: [...RUNNING, OUTPUT],
};

export const COMMANDS: readonly Command[] = allCommands(TABLE);
