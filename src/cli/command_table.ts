import type { Command, CommandTable, Flag } from "./command.ts";

/** Every command, in the order of its group. */
export function allCommands({ groups }: CommandTable): readonly Command[] {
  return groups.flatMap(({ commands }) => commands);
}

/** Commands whose first word is `family`. */
export function commandsOf(
  table: CommandTable,
  family: string,
): readonly Command[] {
  return allCommands(table).filter(({ name }) => name.startsWith(`${family} `));
}

/** Whether a first word stands for several commands, and is none itself. */
export function isFamily({ families }: CommandTable, word: string): boolean {
  return Object.hasOwn(families, word);
}

/** All flags that a command takes, its own first. */
export function flagsOf(command: Command): readonly Flag[] {
  return [...command.flags, ...command.common];
}

/** Such as `state report KEY --data JSON`. */
export function usageOf(command: Command): string {
  const flags = command.flags.filter((flag) => flag.required);
  return [
    command.name,
    ...command.args.map(({ name, optional, repeated }) => {
      const word = repeated ? `${name}...` : name;
      return optional ? `[${word}]` : word;
    }),
    ...flags.map(spellingOf),
  ].join(" ");
}

/** Such as `--data JSON`. */
export function spellingOf({ name, value }: Flag): string {
  return value ? `${name} ${value}` : name;
}
