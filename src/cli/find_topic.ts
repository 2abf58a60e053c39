import { nearest } from "../config/nearest.ts";
import {
  type Command,
  CommandError,
  type CommandTable,
  EXIT,
} from "./command.ts";
import { allCommands, commandsOf, isFamily } from "./command_table.ts";

/** What a line is about: one command, several that begin alike, or neither. */
export interface Topic {
  readonly command?: Command;
  /** First word of several commands, when it stands alone. */
  readonly family?: string;
}

/**
 * The command that words begin with, or the family that they name.
 *
 * @throws {CommandError} exit code 2, with the nearest right command.
 */
export function findTopic(
  table: CommandTable,
  words: readonly string[],
): Topic {
  const [first, second] = words;
  if (first === undefined) return {};
  const commands = allCommands(table);
  const command = commands.find(({ name }) => name === `${first} ${second}`) ??
    commands.find(({ name }) => name === first);
  if (command) return { command };
  const ofFamily = isFamily(table, first);
  if (ofFamily && second === undefined) return { family: first };
  throw new CommandError(
    EXIT.wrongUsage,
    `there is no command "${ofFamily ? `${first} ${second}` : first}"`,
    meant(table, first, second) ??
      (ofFamily
        ? `plexd ${first} lists its commands`
        : "plexd --help lists all commands"),
  );
}

/** Of the first word alone, or of both where commands have two. */
function meant(
  table: CommandTable,
  first: string,
  second: string | undefined,
): string | undefined {
  const names = allCommands(table).map(({ name }) => name);
  const pairs = names.filter((name) => name.includes(" "));
  const firsts = [...names, ...Object.keys(table.families)]
    .filter((name) => !name.includes(" "));
  const near = (isFamily(table, first) ? undefined : nearest(first, firsts)) ??
    (second === undefined ? undefined : nearest(`${first} ${second}`, pairs)) ??
    // Perhaps only the first word was left out.
    pairs.find((name) => name.endsWith(` ${first}`));
  if (near === undefined) return undefined;
  const whole = isFamily(table, near) && second !== undefined
    ? nearest(
      `${near} ${second}`,
      commandsOf(table, near).map(({ name }) => name),
    )
    : near;
  return `did you mean "plexd ${whole ?? near}"?`;
}
