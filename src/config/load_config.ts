import { checkTogether } from "./check_together.ts";
import { ConfigError, type ConfigProblem } from "./config_error.ts";
import type { Origin } from "./origin.ts";
import { readConfigFile } from "./read_file.ts";
import { readFileText } from "./read_text.ts";
import { NAMES, resolveName } from "./resolve_name.ts";
import { SettingValueError } from "./setting.ts";
import {
  type Config,
  ENV_ALIASES,
  type SettingName,
  SETTINGS,
} from "./settings.ts";

/** Where configuration comes from. */
export interface ConfigSources {
  /** The file to read. A missing one is an error only if it was asked for. */
  readonly file: { readonly path: string; readonly required: boolean };
  readonly env: Readonly<Record<string, string>>;
  /** Values of flags by setting name. */
  readonly flags: Readonly<Partial<Record<SettingName, string>>>;
  /** The membership that was chosen in this terminal, for one data folder. */
  readonly terminal?: { readonly cluster: string; readonly dataDir: string };
  /**
   * Names in the file that nobody knows are warnings, as for an agent that runs
   * already.
   * @default {false}
   */
  readonly lenient?: boolean;
}

/** What {@linkcode loadConfig} found. */
export interface LoadedConfig {
  readonly config: Config;
  /** Sentences for the log: old spellings, settings without effect. */
  readonly warnings: readonly string[];
}

/** What {@linkcode inspectConfig} found. */
export interface InspectedConfig {
  /** Absent when it cannot be used. */
  readonly config?: Config;
  /** Where each value comes from that is no default. */
  readonly origins: ReadonlyMap<SettingName, Origin>;
  /** All that is wrong. */
  readonly problems: readonly ConfigProblem[];
  /** Old spellings, settings without effect. */
  readonly warnings: readonly ConfigProblem[];
  /** Whether there is a file. */
  readonly hasFile: boolean;
}

/**
 * Makes one checked, read-only configuration: flags win over the environment,
 * that over the file, that over defaults. The choice of a terminal is between
 * environment and file.
 *
 * @throws {ConfigError} naming every unknown name and wrong value at once.
 */
export async function loadConfig(
  sources: ConfigSources,
): Promise<LoadedConfig> {
  const { config, problems, warnings } = await inspectConfig(sources);
  if (!config) throw new ConfigError(problems);
  return {
    config,
    warnings: warnings.map(({ where, what }) => `${where}: ${what}`),
  };
}

/** {@linkcode loadConfig} that tells everything instead of failing. */
export async function inspectConfig(
  sources: ConfigSources,
): Promise<InspectedConfig> {
  const warnings: ConfigProblem[] = [];
  const problems: ConfigProblem[] = [];
  const values = new Map<SettingName, unknown>();
  const origins = new Map<SettingName, Origin>();
  const wrong = new Set<SettingName>();
  const take = (name: SettingName, written: unknown, origin: Origin) => {
    try {
      values.set(name, SETTINGS[name].read(written));
      origins.set(name, { ...origin, written });
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      const where = origin.where ?? name;
      problems.push({ where, what: `${name}: ${error.message}` });
      wrong.add(name);
    }
  };
  const file = await readFile(sources.file, problems);
  for (const raw of file.values) {
    const name = resolveName(raw, {
      warn: (warning) => warnings.push(warning),
      refuse: (problem) =>
        (sources.lenient ? warnings : problems).push(problem),
    });
    if (!name) continue;
    const where = raw.valueWhere ?? raw.where;
    const before = origins.get(name);
    // One of them is an old spelling, which is never the one that counts.
    const isOutdone = before !== undefined && raw.name !== name;
    if (before && !isSame(before.written, raw.value)) {
      const [winner, loser] = isOutdone
        ? [before.where, where]
        : [where, before.where];
      const what = `"${name}" is what ${winner} says, not ${loser}`;
      warnings.push({ where: raw.where, what });
    }
    if (isOutdone) continue;
    take(name, raw.value, { kind: "file", where });
    if (name === "registration.token_value" && file.openToOthers) {
      problems.push({
        where,
        what: "holds a token and can be read by others; chmod it to 0600",
      });
    }
  }
  for (const name of NAMES) {
    if (name === "cluster" && isChosen(sources, values, origins)) {
      const { cluster } = sources.terminal!;
      take(name, cluster, { kind: "terminal", where: TERMINAL });
    }
    for (const variable of [ENV_ALIASES[name], variableOf(name)]) {
      const value = variable && sources.env[variable];
      if (variable === undefined || value === undefined) continue;
      take(name, value, { kind: "environment", where: variable });
    }
    const flag = sources.flags[name];
    if (flag !== undefined) {
      take(name, flag, { kind: "flag", where: flagOf(name) });
    }
  }
  const config = Object.freeze(Object.fromEntries(
    NAMES.map((name) => [name, values.get(name) ?? defaultOf(name, values)]),
  )) as Config;
  if (file.isRead) {
    problems.push(...checkTogether(
      config,
      (name) => wrong.has(name),
      (name) => origins.get(name)?.where,
    ));
  }
  return {
    ...(problems.length === 0 ? { config } : {}),
    origins,
    problems,
    warnings,
    hasFile: file.isThere,
  };
}

/** What chooses a membership for a terminal. */
const TERMINAL = "plexd use";

/**
 * Whether the choice of the terminal counts: before a file that is simply there,
 * but not before one that was named.
 */
function isChosen(
  { terminal, file }: ConfigSources,
  values: ReadonlyMap<SettingName, unknown>,
  origins: ReadonlyMap<SettingName, Origin>,
): boolean {
  const isInFile = origins.get("cluster")?.kind === "file";
  if (!terminal || (isInFile && file.required)) return false;
  const dataDir = values.get("data_dir") ?? SETTINGS.data_dir.defaultValue;
  return terminal.dataDir === dataDir;
}

/** The default of a setting, which for sockets depends on the membership. */
function defaultOf(
  name: SettingName,
  values: ReadonlyMap<SettingName, unknown>,
): unknown {
  const { defaultValue } = SETTINGS[name];
  const cluster = values.get("cluster") ?? SETTINGS.cluster.defaultValue;
  if (cluster === SETTINGS.cluster.defaultValue) return defaultValue;
  if (
    name !== "node_api.socket_path" && name !== "node_api.secrets_socket_path"
  ) return defaultValue;
  // Several memberships of one host are several agents: each has its folder.
  return SETTINGS[name].defaultValue.replace(
    "/run/plexd/",
    () => `/run/plexd-${String(cluster)}/`,
  );
}

/** The environment variable of a setting: `PLEXD_API_BASE_URL`. */
export function variableOf(name: SettingName): string {
  return `PLEXD_${name.replaceAll(".", "_").toUpperCase()}`;
}

/** The flags that settings have; the others are set by file or environment. */
export const FLAGS: Readonly<Partial<Record<SettingName, string>>> = {
  "cluster": "--cluster",
  "data_dir": "--data-dir",
  "log_level": "--log-level",
  "log_format": "--log-format",
  "api.base_url": "--api",
  "registration.token_file": "--token-file",
};

function flagOf(name: SettingName): string {
  return FLAGS[name] ?? name;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What a file says; nothing, beside a problem, when it cannot be read. */
async function readFile(
  { path, required }: ConfigSources["file"],
  problems: ConfigProblem[],
) {
  const nothing = { values: [], openToOthers: false };
  try {
    const found = await readFileText(path);
    if (!found && required) {
      throw new ConfigError([{ where: path, what: "there is no such file" }]);
    }
    if (!found) return { ...nothing, isThere: false, isRead: true };
    const { text, openToOthers } = found;
    const values = await readConfigFile(path, text);
    return { values, openToOthers, isThere: true, isRead: true };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return { ...nothing, isThere: true, isRead: false };
  }
}
