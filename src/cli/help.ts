import { type Command, EXIT, type Flag } from "./command.ts";
import { COMMANDS, COMMON_FLAGS } from "./commands.ts";

/** What `plexd --help` prints. */
export function helpText(): string {
  const commands = COMMANDS.map((one): Pair => [usageOf(one), one.summary]);
  return [
    "plexd keeps a node in the state that its control plane wants, and serves",
    "that state to local programs.",
    "",
    "Usage: plexd COMMAND [FLAGS]",
    "       plexd --print-state",
    "",
    "Commands:",
    ...columns(commands),
    "",
    "Flags of most commands:",
    ...columns(COMMON_FLAGS.map(pairOf)),
    "",
    "plexd COMMAND --help tells more. First look: plexd dev",
  ].join("\n");
}

/** What `plexd COMMAND --help` prints. */
export function commandHelpText(command: Command): string {
  const flags = command.flags.filter((flag) => !flag.hidden);
  return [
    `${command.summary}.`,
    "",
    `Usage: plexd ${usageOf(command)}${flags.length > 0 ? " [FLAGS]" : ""}`,
    ...(command.args.length > 0
      ? [
        "",
        "Arguments:",
        ...columns(command.args.map((one): Pair => [one.name, one.doc])),
      ]
      : []),
    ...(flags.length > 0 ? ["", "Flags:", ...columns(flags.map(pairOf))] : []),
    "",
    "Common flags:",
    ...columns(command.common.map(pairOf)),
    "",
    "Exit codes:",
    ...columns(EXIT_CODES),
  ].join("\n");
}

type Pair = readonly [left: string, right: string];

const EXIT_CODES: readonly Pair[] = [
  [String(EXIT.fine), "fine"],
  [String(EXIT.failed), "failed"],
  [String(EXIT.wrongUsage), "wrong usage"],
  [String(EXIT.notFound), "not found"],
  [String(EXIT.agentNotRunning), "the agent is not running"],
  [String(EXIT.controlPlaneUnavailable), "the control plane is unavailable"],
  [String(EXIT.alreadyRunning), "already running"],
  [String(EXIT.notEnrolled), "not enrolled"],
  [String(EXIT.badConfiguration), "bad configuration"],
];

function usageOf(command: Command): string {
  const flags = command.flags.filter((flag) => flag.required);
  return [
    command.name,
    ...command.args.map((one) => one.name),
    ...flags.map((flag) => pairOf(flag)[0]),
  ].join(" ");
}

function pairOf(flag: Flag): Pair {
  return [flag.value ? `${flag.name} ${flag.value}` : flag.name, flag.doc];
}

function columns(pairs: readonly Pair[]): string[] {
  const width = Math.max(22, ...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
