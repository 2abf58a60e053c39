import { ConfigError, type ConfigProblem } from "./config_error.ts";
import { nearest } from "./nearest.ts";
import type { RawValue } from "./raw_value.ts";
import { readConfigFile } from "./read_file.ts";
import { readFileText } from "./read_text.ts";
import { SettingValueError } from "./setting.ts";
import {
  ALIASES,
  type Config,
  ENV_ALIASES,
  type SettingName,
  SETTINGS,
  UNUSED_SETTINGS,
} from "./settings.ts";

/** Where configuration comes from. */
export interface ConfigSources {
  /** The file to read. A missing one is an error only if it was asked for. */
  readonly file: { readonly path: string; readonly required: boolean };
  readonly env: Readonly<Record<string, string>>;
  /** Values of flags by setting name. */
  readonly flags: Readonly<Partial<Record<SettingName, string>>>;
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

const NAMES = Object.keys(SETTINGS) as SettingName[];

/**
 * Makes one checked, read-only configuration: flags win over the environment,
 * that over the file, that over defaults.
 *
 * @throws {ConfigError} naming every unknown name and wrong value at once.
 */
export async function loadConfig(
  sources: ConfigSources,
): Promise<LoadedConfig> {
  const warnings: string[] = [];
  const problems: ConfigProblem[] = [];
  const file = await readFile(sources.file);
  const values = new Map<SettingName, unknown>();
  const take = (name: SettingName, { value, where }: RawValue) => {
    try {
      values.set(name, SETTINGS[name].read(value));
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      problems.push({ where, what: `${name}: ${error.message}` });
    }
  };
  for (const raw of file.values) {
    const name = resolve(raw, warnings, (problem) => {
      if (sources.lenient) warnings.push(`${problem.where}: ${problem.what}`);
      else problems.push(problem);
    });
    if (name) take(name, raw);
  }
  if (
    file.openToOthers &&
    file.values.some((one) =>
      resolvesTo(one.name) === "registration.token_value"
    )
  ) {
    problems.push({
      where: sources.file.path,
      what: "holds a token and can be read by others; chmod it to 0600",
    });
  }
  for (const name of NAMES) {
    for (const variable of [ENV_ALIASES[name], variableOf(name)]) {
      const value = variable && sources.env[variable];
      if (variable === undefined || value === undefined) continue;
      take(name, { name, value, where: variable });
    }
    const flag = sources.flags[name];
    if (flag !== undefined) {
      take(name, { name, value: flag, where: flagOf(name) });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const config = Object.freeze(Object.fromEntries(
    NAMES.map((name) => [name, values.get(name) ?? defaultOf(name, values)]),
  )) as Config;
  checkTogether(config);
  return { config, warnings };
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

async function readFile(
  { path, required }: ConfigSources["file"],
): Promise<{ values: readonly RawValue[]; openToOthers: boolean }> {
  const found = await readFileText(path);
  if (!found && required) {
    throw new ConfigError([{ where: path, what: "there is no such file" }]);
  }
  if (!found) return { values: [], openToOthers: false };
  const { text, openToOthers } = found;
  return { values: await readConfigFile(path, text), openToOthers };
}

function resolvesTo(name: string): SettingName | undefined {
  if (isSetting(name)) return name;
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** The setting that a name in the file stands for, or a complaint. */
function resolve(
  raw: RawValue,
  warnings: string[],
  complain: (problem: ConfigProblem) => void,
): SettingName | undefined {
  const { name, where } = raw;
  // A map of texts is one setting: its members are no names of settings.
  if (
    NAMES.some((one) =>
      SETTINGS[one].form === "map" && name.startsWith(`${one}.`)
    )
  ) {
    return undefined;
  }
  if (isSetting(name)) return name;
  const alias = resolvesTo(name);
  if (alias) {
    warnings.push(`${where}: "${name}" is an old spelling of "${alias}"`);
    return alias;
  }
  if (name === "api" && typeof raw.value === "string") {
    warnings.push(`${where}: "api" is an old spelling of "api.base_url"`);
    return "api.base_url";
  }
  // A section; one without members has nothing left to complain of.
  const isSection = NAMES.some((one) => one.startsWith(`${name}.`)) ||
    UNUSED_SETTINGS.some((pattern) => pattern.test(`${name}.`));
  if (isSection && raw.value === null) return undefined;
  if (raw.hasMembers && (isSection || hasContent(raw.value))) return undefined;
  if (UNUSED_SETTINGS.some((pattern) => pattern.test(name))) {
    warnings.push(`${where}: "${name}" has no effect in this version`);
    return undefined;
  }
  const near = nearest(name, NAMES);
  complain({
    where,
    what: `unknown setting "${name}"` +
      (near ? `; did you mean "${near}"?` : ""),
  });
  return undefined;
}

function hasContent(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    Object.keys(value).length > 0;
}

/** Rules that concern more than one setting. */
function checkTogether(config: Config) {
  const problems: ConfigProblem[] = [];
  const need = (ok: boolean, where: SettingName, what: string) => {
    if (!ok) problems.push({ where, what });
  };
  need(
    !config["node_api.http_enabled"] ||
      config["node_api.http_token_file"] !== undefined,
    "node_api.http_token_file",
    "is needed when node_api.http_enabled is true",
  );
  need(
    (config["api.client_cert_file"] === undefined) ===
      (config["api.client_key_file"] === undefined),
    "api.client_key_file",
    "goes together with api.client_cert_file",
  );
  need(
    config["stream.backoff_max"] >= config["stream.backoff_base"],
    "stream.backoff_max",
    "must not be below stream.backoff_base",
  );
  if (problems.length > 0) throw new ConfigError(problems);
}
