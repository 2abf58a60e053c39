import type { InspectedConfig, LoadedConfig } from "../config/load_config.ts";
import type { Config, SettingName } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import type { Progress } from "./output/progress.ts";
import type { Screen } from "./output/screen.ts";
import type { ThisTerminal } from "./terminal/terminal.ts";

/** The exit codes of every command. @see design, appendix "Exit codes" */
export const EXIT = {
  fine: 0,
  failed: 1,
  wrongUsage: 2,
  notFound: 3,
  agentNotRunning: 4,
  controlPlaneUnavailable: 69,
  alreadyRunning: 75,
  notEnrolled: 77,
  badConfiguration: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Those that only some commands have. */
export type OwnExit = Exclude<ExitCode, 0 | 1 | 2>;

/** A flag of a command. */
export interface Flag {
  /** With its dashes, such as `--data`. */
  readonly name: string;
  /** One letter that says the same, such as `-f`. */
  readonly short?: string;
  /** Name of its value in help texts; absent for a switch. */
  readonly value?: string;
  readonly doc: string;
  /** All values that it takes, if they can be listed. */
  readonly choices?: readonly string[];
  /** The setting that it sets, if it is one; then that checks the value. */
  readonly setting?: SettingName;
  /** Not in help texts: for processes that plexd starts itself. */
  readonly hidden?: boolean;
  /** Must be given. */
  readonly required?: boolean;
}

/** A positional argument. */
export interface Argument {
  readonly name: string;
  readonly doc: string;
  /** All values that it takes, if they can be listed. */
  readonly choices?: readonly string[];
  /** Only the last ones of a command. */
  readonly optional?: boolean;
  /** Takes all further words; only the last one of a command. */
  readonly repeated?: boolean;
}

/** A whole command line that somebody would type, and what it is good for. */
export interface Example {
  readonly line: string;
  readonly doc: string;
}

/** One command, as help, completion and parser see it. */
export interface Command {
  /** Its words: `state`, or `state get`. */
  readonly name: string;
  readonly summary: string;
  /**
   * Runs until it is told to stop, so it takes SIGTERM and SIGINT itself; the
   * others end at once, as any program does. @default {false}
   */
  readonly stoppable?: boolean;
  /**
   * May start programs: always, or when the configuration names actions, which
   * it then looks at itself. All others give that up before any input.
   * @default {no}
   */
  readonly spawns?: "always" | "for actions";
  /**
   * What the membership chosen in this terminal is to it: a service is of no
   * terminal, and one command chooses. @default the membership it is about
   */
  readonly terminal?: "ignored" | "chosen";
  readonly args: readonly Argument[];
  readonly flags: readonly Flag[];
  /** Flags that it shares with other commands. */
  readonly common: readonly Flag[];
  /** How it can end beside 0, 1 and 2, which all have; in ascending order. */
  readonly exits: readonly OwnExit[];
  /** At least one. */
  readonly examples: readonly Example[];
  /** Loads what the command needs only when it is the one that runs. */
  readonly load: () => Promise<(invocation: Invocation) => Promise<number>>;
}

/** Commands that a person looks for in one place. */
export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly Command[];
}

/** All that there is to type; a command gets it, since it cannot import it. */
export interface CommandTable {
  /** In the order of `plexd --help`. */
  readonly groups: readonly CommandGroup[];
  /** First words that several commands share, and what they are about. */
  readonly families: Readonly<Record<string, string>>;
  /** Flags that several commands share, for a line that names no command. */
  readonly commonFlags: readonly Flag[];
}

/** What a configuration says, and the file that was looked for. */
export interface FoundConfig extends InspectedConfig {
  readonly path: string;
}

/** One run of a command. */
export interface Invocation {
  readonly args: readonly string[];
  /** Values of flags by name; `true` for a switch. */
  readonly flags: Readonly<Record<string, string | true>>;
  readonly version: string;
  /** What else there is to type, for help and completions. */
  readonly table: CommandTable;
  /**
   * Loads the configuration; warnings go to the log.
   *
   * @throws {ConfigError}
   */
  readonly config: () => Promise<Config>;
  /**
   * Loads it again, for an agent that runs.
   *
   * @throws {ConfigError}
   */
  readonly reloadedConfig: () => Promise<LoadedConfig>;
  /** Tells everything about it instead of failing. */
  readonly inspectedConfig: (file?: string) => Promise<FoundConfig>;
  /** The terminal it runs in, and which membership was chosen there. */
  readonly terminal: ThisTerminal;
  /** Clock, randomness, and a log as the configuration wants it. */
  readonly platform: (config?: Config) => Platform;
  /** Writes a line to standard output. @returns whether somebody reads it. */
  readonly print: (line: string) => boolean;
  /** Writes a line to standard error. */
  readonly complain: (line: string) => void;
  /** What standard output is written to; {@linkcode show} asks for it. */
  readonly screen: Screen;
  /** Shows on standard error that work goes on which takes a second or more. */
  readonly progress: Progress;
  /**
   * Aborts on SIGTERM, SIGINT, and where asked for on the end of stdin, for
   * stoppable commands; never for others.
   */
  readonly stop: AbortSignal;
}

/**
 * A command cannot go on. The message says what is wrong, the hint what to do.
 */
export class CommandError extends Error {
  override readonly name = "CommandError";

  constructor(
    readonly exitCode: number,
    message: string,
    readonly hint?: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
