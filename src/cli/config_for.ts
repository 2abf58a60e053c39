import { resolve } from "node:path";
import { ConfigError } from "../config/config_error.ts";
import {
  type ConfigSources,
  inspectConfig,
  loadConfig,
  type LoadedConfig,
  variableOf,
} from "../config/load_config.ts";
import { SettingValueError } from "../config/setting.ts";
import { type Config, type SettingName, SETTINGS } from "../config/settings.ts";
import type { Command, Flag, FoundConfig } from "./command.ts";
import { flagsOf } from "./command_table.ts";
import type { ParsedLine } from "./parse_args.ts";
import { platformFor } from "./platform_for.ts";
import type { Choice } from "./terminal/choices.ts";
import type { ThisTerminal } from "./terminal/terminal.ts";

const DEFAULT_CONFIG_FILE = "/etc/plexd/config.yaml";

/**
 * The configuration that a command runs with; its warnings go to the log.
 *
 * @throws {ConfigError}
 */
export async function configFor(
  command: Command,
  line: ParsedLine,
  { choice }: ThisTerminal,
): Promise<Config> {
  const { config, warnings } = await loadConfig(
    sourcesOf(command, line, Deno.env.toObject(), choice),
  );
  // Children and /proc would show it for as long as the process lives.
  Deno.env.delete(variableOf("registration.token_value"));
  const { log } = platformFor(config);
  for (const warning of warnings) log.warn("Configuration", { warning });
  return config;
}

/**
 * The configuration as it is now, for an agent that runs already: what it does
 * not know is no error.
 *
 * @param env As it was when the process started.
 * @throws {ConfigError}
 */
export function reloadedConfigFor(
  command: Command,
  line: ParsedLine,
  env: Readonly<Record<string, string>>,
): Promise<LoadedConfig> {
  return loadConfig({ ...sourcesOf(command, line, env), lenient: true });
}

/**
 * Everything about the configuration, right or wrong.
 *
 * @param file The file to read instead of the usual one.
 */
export async function inspectedConfigFor(
  command: Command,
  line: ParsedLine,
  { choice }: ThisTerminal,
  file?: string,
): Promise<FoundConfig> {
  const named = file === undefined
    ? line
    : { ...line, flags: { ...line.flags, "--config": file } };
  const sources = sourcesOf(command, named, Deno.env.toObject(), choice);
  return { ...await inspectConfig(sources), path: sources.file.path };
}

function sourcesOf(
  command: Command,
  line: ParsedLine,
  env: Readonly<Record<string, string>>,
  choice?: Choice,
): ConfigSources {
  const asked = line.flags["--config"] ?? env["PLEXD_CONFIG"];
  return {
    file: {
      path: typeof asked === "string" ? asked : DEFAULT_CONFIG_FILE,
      required: asked !== undefined,
    },
    env,
    flags: settingsOf(flagsOf(command), line),
    ...(choice
      ? { terminal: { cluster: choice.cluster, dataDir: choice.data_dir } }
      : {}),
  };
}

/**
 * How to log where there is no configuration: by the flags alone.
 *
 * @throws {ConfigError}
 */
export function logSettings(
  { flags }: ParsedLine,
): Pick<Config, "log_level" | "log_format"> {
  const read = <T>(
    flag: string,
    from: { read(value: unknown): T },
    rest: T,
  ) => {
    const value = flags[flag];
    if (value === undefined) return rest;
    try {
      return from.read(value);
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      throw new ConfigError([{ where: flag, what: error.message }]);
    }
  };
  const { log_level, log_format } = SETTINGS;
  return {
    log_level: read("--log-level", log_level, log_level.defaultValue),
    log_format: read("--log-format", log_format, log_format.defaultValue),
  };
}

function settingsOf(
  flags: readonly Flag[],
  line: ParsedLine,
): Partial<Record<SettingName, string>> {
  const settings: Partial<Record<SettingName, string>> = {};
  for (const { name, setting } of flags) {
    const value = line.flags[name];
    // "-" is standard input, which the command reads itself.
    if (!setting || typeof value !== "string" || value === "-") continue;
    // Whoever types a path means the folder they are in.
    const isPath = SETTINGS[setting].form === "path" && value !== "";
    settings[setting] = isPath ? resolve(value) : value;
  }
  return settings;
}
