import type { Argument, Command, CommandTable, Flag } from "../command.ts";
import { allCommands, commandsOf, flagsOf } from "../command_table.ts";

/** What may stand where a value stands. */
export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" | "folder" | "cluster" | "secret" | "any" };

/** Where memberships are, unless a configuration says otherwise. */
export const CLUSTERS_FOLDER = "/var/lib/plexd/clusters";

/** Prints the names of secrets, one a line; nothing where no agent runs. */
export const SECRET_NAMES = "plexd secrets list 2>/dev/null";

/** One choice, and what a shell may say about it. */
export interface Choice {
  readonly word: string;
  readonly doc: string;
}

/** A place in a line: after these words, these may come. */
export interface Place {
  /** Words so far, without flags; empty at the beginning. */
  readonly after: string;
  readonly choices: readonly Choice[];
}

/** Where one word more makes a command, or more of one. */
export function commandPlaces(table: CommandTable): Place[] {
  const firsts = new Map<string, string>();
  for (const { name, summary } of allCommands(table)) {
    const first = name.split(" ")[0]!;
    if (!firsts.has(first)) firsts.set(first, table.families[first] ?? summary);
  }
  const choicesOf = (family: string): Choice[] =>
    commandsOf(table, family).map(({ name, summary }) => ({
      word: name.slice(family.length + 1),
      doc: summary,
    }));
  const top = [...firsts].map(([word, doc]): Choice => ({ word, doc }));
  const nested = [...firsts.keys()]
    .map((after): Place => ({ after, choices: choicesOf(after) }))
    .filter(({ choices }) => choices.length > 0);
  return [
    { after: "", choices: top },
    ...nested,
    // Help is asked for the same words.
    { after: "help", choices: top },
    ...nested.map(({ after, choices }) => ({
      after: `help ${after}`,
      choices,
    })),
  ];
}

/** Flags that a shell proposes for a command, or where there is none yet. */
export function visibleFlags(
  table: CommandTable,
  command?: Command,
): readonly Flag[] {
  const flags = command ? flagsOf(command) : table.commonFlags;
  return flags.filter(({ hidden }) => !hidden);
}

/** Every flag of any command once, hidden ones too: their values are no words. */
export function allFlags(table: CommandTable): readonly Flag[] {
  const flags = [...table.commonFlags, ...allCommands(table).flatMap(flagsOf)];
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()];
}

/** What the value of a flag may be; undefined for a switch. */
export function valuesOfFlag(flag: Flag): Values | undefined {
  if (flag.value === undefined) return undefined;
  if (flag.choices) return { kind: "words", words: flag.choices };
  if (flag.name === "--cluster") return { kind: "cluster" };
  return valuesNamed(flag.value);
}

/** What an argument may be. */
export function valuesOfArgument({ name, choices }: Argument): Values {
  if (name === "MEMBERSHIP") return { kind: "cluster" };
  return choices ? { kind: "words", words: choices } : valuesNamed(name);
}

function valuesNamed(name: string): Values {
  if (name === "FILE") return { kind: "file" };
  if (name === "SECRET") return { kind: "secret" };
  return { kind: name === "DIR" ? "folder" : "any" };
}

/** A flag's name, and its letter if it has one. */
export function spellings({ name, short }: Flag): string[] {
  return short ? [name, short] : [name];
}
