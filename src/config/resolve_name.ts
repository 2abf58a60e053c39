import type { ConfigProblem } from "./config_error.ts";
import { nearest } from "./nearest.ts";
import type { RawValue } from "./raw_value.ts";
import {
  ALIASES,
  type SettingName,
  SETTINGS,
  UNUSED_SETTINGS,
} from "./settings.ts";

/** Every setting, in the order of the documents. */
export const NAMES = Object.keys(SETTINGS) as SettingName[];

/** Who hears what is said about a name. */
export interface NameListener {
  readonly warn: (warning: ConfigProblem) => void;
  readonly refuse: (problem: ConfigProblem) => void;
}

/** The setting that a name in the file stands for, or a complaint. */
export function resolveName(
  raw: RawValue,
  { warn, refuse }: NameListener,
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
  const alias = name === "api" && typeof raw.value === "string"
    ? "api.base_url"
    : resolvesTo(name);
  if (alias) {
    warn({ where, what: `"${name}" is an old spelling of "${alias}"` });
    return alias;
  }
  // A section; one without members has nothing left to complain of.
  const isSection = NAMES.some((one) => one.startsWith(`${name}.`)) ||
    UNUSED_SETTINGS.some((pattern) => pattern.test(`${name}.`));
  if (isSection && raw.value === null) return undefined;
  if (raw.hasMembers && (isSection || hasContent(raw.value))) return undefined;
  if (UNUSED_SETTINGS.some((pattern) => pattern.test(name))) {
    warn({ where, what: `"${name}" has no effect in this version` });
    return undefined;
  }
  const near = nearest(name, NAMES);
  refuse({
    where,
    what: `unknown setting "${name}"` +
      (near ? `; did you mean "${near}"?` : ""),
  });
  return undefined;
}

/** The setting of a name or of an old spelling. */
export function resolvesTo(name: string): SettingName | undefined {
  if (isSetting(name)) return name;
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}

/** Whether something is the name of a setting. */
export function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

function hasContent(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    Object.keys(value).length > 0;
}
