import type { Command, CommandTable, Flag } from "./command.ts";
import { commandsOf, isFamily, spellingOf, usageOf } from "./command_table.ts";
import { exitsOf, MEANING } from "./exit_codes.ts";
import type { Topic } from "./find_topic.ts";
import { paint, type Screen } from "./output/screen.ts";
import { widthOf } from "./output/text_width.ts";

/** Where a line ends that no terminal shows. */
const USUAL_COLUMNS = 80;
/** Narrower columns of text are harder to read than long lines. */
const NARROWEST_TEXT = 24;

/** What `--help` prints about a command, a family of them, or all. */
export function helpFor(
  table: CommandTable,
  topic: Topic,
  screen: Screen,
): string {
  if (topic.command) return commandHelpText(table, topic.command, screen);
  if (topic.family) return familyHelpText(table, topic.family, screen);
  return helpText(table, screen);
}

/** What `plexd --help` prints: every command, on one screen. */
export function helpText(table: CommandTable, screen: Screen): string {
  const groups = table.groups.map(({ title, commands }) => ({
    title,
    lines: foldFamilies(table, commands),
  }));
  const titleWidth = Math.max(...groups.map(({ title }) => title.length));
  const width = Math.max(
    ...groups.flatMap(({ lines }) => lines.map(([left]) => left.length)),
  );
  return [
    "plexd keeps a node as its control plane wants it, and serves its state here.",
    "",
    "Usage: plexd COMMAND [FLAGS]                          First look: plexd dev",
    "",
    ...groups.flatMap(({ title, lines }) =>
      lines.map(([left, right], at) => {
        const head = at === 0 ? paint(screen, "bold", title) : "";
        const gap = " ".repeat(titleWidth + 2 - (at === 0 ? title.length : 0));
        return `${head}${gap}${left.padEnd(width)}  ${right}`;
      })
    ),
    "",
    "plexd help COMMAND tells its flags, with examples. Most take --config FILE,",
    "--cluster NAME, --data-dir DIR and --output table, json or yaml.",
  ].join("\n");
}

/** More second words than that do not fit into a line. */
const MOST_WORDS = 6;

/** A family is one line, where its first command would stand. */
function foldFamilies(
  table: CommandTable,
  commands: readonly Command[],
): Pair[] {
  const pairs = new Map<string, string>();
  for (const { name, summary } of commands) {
    const first = name.split(" ")[0]!;
    const isAlone = commandsOf(table, first).length === 1;
    if (!isFamily(table, first) || isAlone) pairs.set(name, summary);
    else {
      const words = commandsOf(table, first).map(({ name }) =>
        name.split(" ")[1]!
      );
      const isShort = words.length <= MOST_WORDS;
      pairs.set(first, isShort ? words.join(", ") : table.families[first]!);
    }
  }
  return [...pairs];
}

/** What a first word alone prints: the commands that begin with it. */
function familyHelpText(
  table: CommandTable,
  family: string,
  screen: Screen,
): string {
  const commands = commandsOf(table, family);
  return [
    `${table.families[family]}.`,
    "",
    `Usage: plexd ${family} COMMAND [FLAGS]`,
    ...section(screen, "Commands", commands.map(pairOfCommand)),
    "",
    `plexd help ${commands[0]?.name} tells more.`,
  ].join("\n");
}

/** What `plexd COMMAND --help` prints. */
function commandHelpText(
  table: CommandTable,
  command: Command,
  screen: Screen,
): string {
  const { name, summary, args, examples } = command;
  const flags = command.flags.filter((flag) => !flag.hidden);
  return [
    `${summary}.`,
    "",
    `Usage: plexd ${usageOf(command)}${flags.length > 0 ? " [FLAGS]" : ""}`,
    ...section(screen, "Arguments", args.map((one) => [one.name, one.doc])),
    ...section(screen, "Flags", flags.map(pairOf)),
    ...section(screen, "Common flags", command.common.map(pairOf)),
    ...section(screen, "See also", commandsOf(table, name).map(pairOfCommand)),
    ...section(screen, "Exit codes", exitPairsOf(command)),
    "",
    paint(screen, "bold", "Examples:"),
    ...examples.flatMap(({ line, doc }) => [`  # ${doc}`, `  ${line}`]),
  ].join("\n");
}

type Pair = readonly [left: string, right: string];

function exitPairsOf(command: Command): Pair[] {
  return exitsOf(command).map((code) => [String(code), MEANING[code]]);
}

function pairOf(flag: Flag): Pair {
  const short = flag.short ? `${flag.short}, ` : "";
  return [short + spellingOf(flag), flag.doc];
}

function pairOfCommand(command: Command): Pair {
  return [usageOf(command), command.summary];
}

/** Nothing, when there is nothing to list. */
function section(
  screen: Screen,
  title: string,
  pairs: readonly Pair[],
): string[] {
  if (pairs.length === 0) return [];
  const columns = screen.columns ?? USUAL_COLUMNS;
  const width = Math.max(22, ...pairs.map(([left]) => left.length));
  const room = Math.max(NARROWEST_TEXT, columns - width - 4);
  const lines = pairs.flatMap(([left, right]) =>
    wrap(right, room).map((line, at) =>
      `  ${(at === 0 ? left : "").padEnd(width)}  ${line}`
    )
  );
  return ["", paint(screen, "bold", `${title}:`), ...lines];
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(`${line} ${word}`) > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
