import { ConfigError } from "../config/config_error.ts";
import { systemClock } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import {
  type Command,
  CommandError,
  EXIT,
  type Invocation,
} from "./command.ts";
import {
  configFor,
  inspectedConfigFor,
  logSettings,
  reloadedConfigFor,
} from "./config_for.ts";
import { ownStartTicks } from "../platform/process_identity.ts";
import { TABLE } from "./commands.ts";
import { giveUpSpawning } from "./give_up_spawning.ts";
import type { Told } from "./output/progress.ts";
import { screenOf } from "./output/screen.ts";
import { plain } from "./output/text_width.ts";
import { type ParsedLine, parseLine } from "./parse_args.ts";
import { platformFor } from "./platform_for.ts";
import { stopSignal } from "./stop_signal.ts";
import type { ThisTerminal } from "./terminal/terminal.ts";
import { thisTerminal } from "./terminal/this_terminal.ts";
import { VERSION, versionText } from "./version.ts";
import { write, writeAll } from "./write.ts";

/**
 * Runs one command line.
 *
 * @param words The arguments, without the program's name.
 * @returns the exit code.
 */
export async function runCli(words: readonly string[]): Promise<number> {
  try {
    const line = parseLine(words);
    const terminal = thisTerminal(line.command ?? { terminal: "ignored" });
    if (!line.command?.spawns) {
      ownStartTicks();
      giveUpSpawning();
    }
    if (line.flags["--version"]) return say(versionText());
    if (line.flags["--help"] || !line.command) {
      const { helpFor } = await import("./help.ts");
      return say(helpFor(TABLE, line, screenOf(Deno.stdout)));
    }
    return await invoke(line.command, line, terminal);
  } catch (error) {
    return report(error);
  }
}

async function invoke(
  command: Command,
  line: ParsedLine,
  terminal: ThisTerminal,
): Promise<number> {
  const run = await command.load();
  using stop = command.stoppable
    ? stopSignal({ onStdinEnd: line.flags["--die-with-stdin"] === true })
    : undefined;
  // What is secret in it is deleted later on, but read again by a reload.
  const env = Deno.env.toObject();
  const invocation: Invocation = {
    args: line.args,
    flags: line.flags,
    table: TABLE,
    version: VERSION,
    config: () => configFor(command, line, terminal),
    reloadedConfig: () => reloadedConfigFor(command, line, env),
    inspectedConfig: (file) =>
      inspectedConfigFor(command, line, terminal, file),
    terminal,
    platform: (config) => platformFor(config ?? logSettings(line)),
    print: (text) => write(Deno.stdout, text),
    complain,
    screen: screenOf(Deno.stdout),
    progress: showProgress,
    stop: stop?.signal ?? new AbortController().signal,
  };
  return await run(invocation);
}

/** Loads what shows it only where somebody sees it. */
async function showProgress<Result>(
  text: string,
  work: Told<Result>,
): Promise<Result> {
  const screen = screenOf(Deno.stderr);
  if (screen.columns === undefined) return await work(() => {});
  const { progressOn } = await import("./output/progress.ts");
  const write = (shown: string) => {
    writeAll(Deno.stderr, shown);
  };
  return await progressOn({ screen, clock: systemClock, write })(text, work);
}

/** Errors go to standard error, with what to do next, and become an exit code. */
function report(error: unknown): number {
  if (error instanceof CommandError) {
    complain(`plexd: ${error.message}`);
    if (error.cause !== undefined) {
      complain(`  because: ${describeError(error.cause)}`);
    }
    if (error.hint) complain(`  ${error.hint}`);
    return error.exitCode;
  }
  if (error instanceof ConfigError) {
    complain("plexd: the configuration cannot be used");
    for (const { where, what } of error.problems) {
      complain(`  ${where}: ${what}`);
    }
    const onlyFlags = error.problems.every(({ where }) =>
      where.startsWith("--")
    );
    return onlyFlags ? EXIT.wrongUsage : EXIT.badConfiguration;
  }
  complain(`plexd: ${describeError(error)}`);
  return EXIT.failed;
}

/**
 * Writes one line to standard error. It may quote others, such as the control
 * plane: that must neither steer the terminal nor pass for a line of plexd.
 */
function complain(text: string): void {
  write(Deno.stderr, plain(text));
}

function say(text: string): number {
  write(Deno.stdout, text);
  return EXIT.fine;
}
