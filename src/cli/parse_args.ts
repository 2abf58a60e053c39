import { nearest } from "../config/nearest.ts";
import { type Command, CommandError, EXIT, type Flag } from "./command.ts";
import { commandsOf, flagsOf, usageOf } from "./command_table.ts";
import { COMMANDS, TABLE } from "./commands.ts";
import { findTopic, type Topic } from "./find_topic.ts";

/** What the words of a command line mean. */
export interface ParsedLine extends Topic {
  readonly args: readonly string[];
  readonly flags: Readonly<Record<string, string | true>>;
}

/**
 * Reads a command line against the table of commands.
 *
 * @throws {CommandError} exit code 2, with the nearest right word.
 */
export function parseLine(words: readonly string[]): ParsedLine {
  const sorted = sortWords(words);
  const { plain, flagWords } = sorted;
  const topic = topicOf(sorted);
  const { command } = topic;
  const allowed = command ? flagsOf(command) : TABLE.commonFlags;
  const flags = readFlags(flagWords, allowed, command);
  const args = command ? plain.slice(command.name.split(" ").length) : plain;
  if (command && flags["--help"] === undefined) {
    checkCounts(command, args, flags);
  }
  return { ...topic, args, flags };
}

/** The words of a line, by what they look like. */
interface SortedWords {
  /** Flags, each with its value: `--name` or `--name=value`. */
  readonly flagWords: readonly string[];
  /** All other words. */
  readonly plain: readonly string[];
  /** Words that were taken for the value of the flag before them. */
  readonly taken: readonly TakenWord[];
}

interface TakenWord {
  readonly flag: Flag;
  readonly value: string;
  /** How many plain words stand before it. */
  readonly at: number;
}

/** A misspelled flag leaves its value behind, which is no command. */
function topicOf({ plain, flagWords, taken }: SortedWords): Topic {
  try {
    return findTopic(TABLE, plain);
  } catch (error) {
    const known = knownFlags();
    const unknown = flagWords.map((word) => word.split("=")[0]!)
      .find((name) => !known.has(name));
    if (unknown !== undefined) {
      throw unknownFlag(unknown, [...known.values()]);
    }
    throw takenCommand(plain, taken) ?? error;
  }
}

/** A flag whose value was forgotten takes a word of the command for it. */
function takenCommand(
  plain: readonly string[],
  taken: readonly TakenWord[],
): CommandError | undefined {
  for (const { flag: { name, value: form }, value, at } of taken) {
    const command = plain.toSpliced(at, 0, value).slice(0, 2).join(" ");
    if (!COMMANDS.some((one) => one.name === command)) continue;
    return new CommandError(
      EXIT.wrongUsage,
      `"${value}" was taken for the value of ${name}`,
      `write it as ${name} ${form}`,
    );
  }
  return undefined;
}

/** Tells flags, each with its value, from all other words. */
function sortWords(words: readonly string[]): SortedWords {
  const flagWords: string[] = [];
  const taken: TakenWord[] = [];
  const plain: string[] = [];
  const known = knownFlags();
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      plain.push(...words.slice(at + 1));
      break;
    }
    const flag = known.get(word);
    if (isCommand(word) || !(word.startsWith("--") || flag)) {
      if (/^-[a-z]/i.test(word)) throw unknownFlag(word, [...known.values()]);
      plain.push(word);
      continue;
    }
    if (flag?.value === undefined) {
      flagWords.push(flag?.name ?? word);
      continue;
    }
    const value = words[++at];
    // More likely the value was forgotten than meant to look like a flag.
    if (value === undefined || value.startsWith("--")) {
      throw new CommandError(
        EXIT.wrongUsage,
        `${word} needs a value`,
        `write it as ${word} ${flag.value}`,
      );
    }
    flagWords.push(`${flag.name}=${value}`);
    taken.push({ flag, value, at: plain.length });
  }
  return { flagWords, plain, taken };
}

/** By both their spellings. */
function knownFlags(): ReadonlyMap<string, Flag> {
  const flags = [...TABLE.commonFlags, ...COMMANDS.flatMap(flagsOf)];
  return new Map(flags.flatMap((flag) => [
    [flag.name, flag],
    ...(flag.short ? [[flag.short, flag] as const] : []),
  ]));
}

/** `--print-state` is a command that is spelled like a flag. */
function isCommand(word: string): boolean {
  return COMMANDS.some((one) => one.name === word);
}

function readFlags(
  words: readonly string[],
  allowed: readonly Flag[],
  command: Command | undefined,
): Record<string, string | true> {
  const flags: Record<string, string | true> = {};
  for (const word of words) {
    const cut = word.indexOf("=");
    const name = cut < 0 ? word : word.slice(0, cut);
    const flag = allowed.find((one) => one.name === name);
    if (!flag) throw unknownFlag(name, allowed, command);
    if (flag.value === undefined && cut >= 0) {
      throw new CommandError(EXIT.wrongUsage, `${name} takes no value`);
    }
    flags[name] = cut < 0 ? true : chosen(flag, word.slice(cut + 1));
  }
  return flags;
}

/** Settings say themselves what they take. */
function chosen({ name, choices, setting }: Flag, value: string): string {
  if (!choices || setting || choices.includes(value)) return value;
  const near = nearest(value, choices);
  throw new CommandError(
    EXIT.wrongUsage,
    `${name} is ${orList(choices)}, not "${value}"`,
    near ? `did you mean "${near}"?` : undefined,
  );
}

function orList(words: readonly string[]): string {
  return [words.slice(0, -1).join(", "), words.at(-1)!].join(" or ");
}

function unknownFlag(
  name: string,
  allowed: readonly Flag[],
  command?: Command,
): CommandError {
  const visible = allowed.filter((flag) => !flag.hidden);
  const near = nearest(name, visible.map((flag) => flag.name));
  const help = command ? `plexd ${command.name} --help` : "plexd --help";
  const owners = command
    ? []
    : COMMANDS.filter((one) =>
      one.flags.some((flag) => flag.name === name && !flag.hidden)
    );
  if (owners.length > 0) {
    const names = owners.slice(0, 3).map((one) => `plexd ${one.name}`);
    return new CommandError(
      EXIT.wrongUsage,
      `${name} needs a command that it is for`,
      `such as ${names.join(", ")}`,
    );
  }
  return new CommandError(
    EXIT.wrongUsage,
    `there is no flag "${name}"${
      command ? ` for "plexd ${command.name}"` : ""
    }`,
    near ? `did you mean "${near}"?` : `${help} lists all flags`,
  );
}

function checkCounts(
  command: Command,
  args: readonly string[],
  flags: Readonly<Record<string, string | true>>,
) {
  const missing = command.args[args.length];
  if (missing && !missing.optional) {
    throw new CommandError(
      EXIT.wrongUsage,
      `"plexd ${command.name}" needs ${missing.name} (${missing.doc})`,
      `usage: plexd ${usageOf(command)}`,
    );
  }
  const isOpen = command.args.at(-1)?.repeated ?? false;
  if (args.length > command.args.length && !isOpen) {
    // Perhaps the word was meant to go on with the command's name.
    const longer = commandsOf(TABLE, command.name).map((one) => one.name);
    const near = nearest(`${command.name} ${args[0]}`, longer);
    throw new CommandError(
      EXIT.wrongUsage,
      `"plexd ${command.name}" does not take "${args[command.args.length]}"`,
      near ? `did you mean "plexd ${near}"?` : `plexd ${command.name} --help`,
    );
  }
  command.args.forEach(({ name, doc, choices }, at) => {
    const arg = args[at];
    if (!choices || arg === undefined || choices.includes(arg)) return;
    const near = nearest(arg, choices);
    throw new CommandError(
      EXIT.wrongUsage,
      `${name} is ${orList(choices)}, not "${arg}"`,
      near
        ? `did you mean "${near}"?`
        : doc === orList(choices)
        ? `plexd ${command.name} --help`
        : `${name}: ${doc}`,
    );
  });
  for (const flag of command.flags) {
    if (flag.required && flags[flag.name] === undefined) {
      throw new CommandError(
        EXIT.wrongUsage,
        `"plexd ${command.name}" needs ${flag.name} ${flag.value ?? ""}`.trim(),
        `plexd ${command.name} --help`,
      );
    }
  }
}
