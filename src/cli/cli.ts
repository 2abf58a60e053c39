import { ConfigError } from "../config/config_error.ts";
import { loadConfig } from "../config/load_config.ts";
import type { Config, SettingName } from "../config/settings.ts";
import { systemClock } from "../platform/clock.ts";
import {
  createLogger,
  describeError,
  formatJsonLine,
  formatTextLine,
} from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import { systemRandom } from "../platform/random.ts";
import {
  type Command,
  CommandError,
  EXIT,
  type Flag,
  type Invocation,
} from "./command.ts";
import { GLOBAL_FLAGS } from "./commands.ts";
import { commandHelpText, helpText } from "./help.ts";
import { type ParsedLine, parseLine } from "./parse_args.ts";
import { stopSignal } from "./stop_signal.ts";
import { VERSION, versionText } from "./version.ts";

const DEFAULT_CONFIG_FILE = "/etc/plexd/config.yaml";

/**
 * Runs one command line.
 *
 * @param words The arguments, without the program's name.
 * @returns the exit code.
 */
export async function runCli(words: readonly string[]): Promise<number> {
  try {
    const printState = words.includes("--print-state");
    const line = parseLine(words.filter((word) => word !== "--print-state"));
    if (line.flags["--version"]) return say(versionText());
    if (line.flags["--help"]) {
      return say(line.command ? commandHelpText(line.command) : helpText());
    }
    if (printState) {
      if (line.command) {
        throw new CommandError(
          EXIT.wrongUsage,
          "--print-state stands alone",
          "plexd --print-state",
        );
      }
      const { printState: run } = await import("./print_state.ts");
      return await invoke(undefined, line, run);
    }
    if (!line.command) return say(helpText());
    return await invoke(line.command, line, await line.command.load());
  } catch (error) {
    return report(error);
  }
}

async function invoke(
  command: Command | undefined,
  line: ParsedLine,
  run: (invocation: Invocation) => Promise<number>,
): Promise<number> {
  checkOutput(line);
  using stop = stopSignal({
    onStdinEnd: line.flags["--die-with-stdin"] === true,
  });
  const invocation: Invocation = {
    args: line.args,
    flags: line.flags,
    version: VERSION,
    config: () => configFor(command, line),
    platform: (config) => platformFor(line, config),
    print: (text) => write(Deno.stdout, text),
    complain: (text) => write(Deno.stderr, text),
    stop: stop.signal,
  };
  return await run(invocation);
}

function checkOutput({ flags }: ParsedLine) {
  const output = flags["--output"];
  if (output === undefined || output === "table" || output === "json") return;
  throw new CommandError(EXIT.wrongUsage, "--output is table or json");
}

async function configFor(
  command: Command | undefined,
  line: ParsedLine,
): Promise<Config> {
  const asked = line.flags["--config"] ?? Deno.env.get("PLEXD_CONFIG");
  const { config, warnings } = await loadConfig({
    file: {
      path: typeof asked === "string" ? asked : DEFAULT_CONFIG_FILE,
      required: asked !== undefined,
    },
    env: Deno.env.toObject(),
    flags: settingsOf([...GLOBAL_FLAGS, ...(command?.flags ?? [])], line),
  });
  const { log } = platformFor(line, config);
  for (const warning of warnings) log.warn("Configuration", { warning });
  return config;
}

function settingsOf(
  flags: readonly Flag[],
  line: ParsedLine,
): Partial<Record<SettingName, string>> {
  const settings: Partial<Record<SettingName, string>> = {};
  for (const { name, setting } of flags) {
    const value = line.flags[name];
    if (setting && typeof value === "string") settings[setting] = value;
  }
  return settings;
}

function platformFor(line: ParsedLine, config: Config | undefined): Platform {
  const wanted = config?.log_format ?? line.flags["--log-format"] ?? "auto";
  const underSystemd = Deno.env.has("JOURNAL_STREAM");
  const asJson = wanted === "json" ||
    (wanted === "auto" && (underSystemd || !Deno.stderr.isTerminal()));
  return {
    clock: systemClock,
    random: systemRandom,
    log: createLogger({
      clock: systemClock,
      level: config?.log_level ?? "info",
      format: asJson ? formatJsonLine : formatTextLine,
      write: (text) => write(Deno.stderr, text.trimEnd()),
    }),
  };
}

/** Errors go to standard error, with what to do next, and become an exit code. */
function report(error: unknown): number {
  if (error instanceof CommandError) {
    write(Deno.stderr, `plexd: ${error.message}`);
    if (error.cause !== undefined) {
      write(Deno.stderr, `  because: ${describeError(error.cause)}`);
    }
    if (error.hint) write(Deno.stderr, `  ${error.hint}`);
    return error.exitCode;
  }
  if (error instanceof ConfigError) {
    write(Deno.stderr, "plexd: the configuration cannot be used");
    for (const { where, what } of error.problems) {
      write(Deno.stderr, `  ${where}: ${what}`);
    }
    return EXIT.badConfiguration;
  }
  write(Deno.stderr, `plexd: ${describeError(error)}`);
  return EXIT.failed;
}

function say(text: string): number {
  write(Deno.stdout, text);
  return EXIT.fine;
}

/** Writes a whole line; a reader that went away (`| head`) is no failure. */
function write(
  to: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  const bytes = new TextEncoder().encode(text + "\n");
  try {
    for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
