import { formatDuration } from "../wire/duration.ts";
import { type Config, type SettingName, SETTINGS } from "./settings.ts";

/** One setting whose value is another one now. Texts for people, no secrets. */
export interface SettingChange {
  readonly name: SettingName;
  readonly from: string;
  readonly to: string;
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** Settings whose value is a secret, or may hold one. */
const SECRETS: readonly SettingName[] = [
  "registration.token_value",
  "registration.metadata_url",
];

/** What differs between two configurations, in the order of the settings. */
export function settingChanges(from: Config, to: Config): SettingChange[] {
  return NAMES
    .filter((name) => JSON.stringify(from[name]) !== JSON.stringify(to[name]))
    .map((name) => ({
      name,
      from: textOf(name, from[name]),
      to: textOf(name, to[name]),
    }));
}

function textOf(name: SettingName, value: unknown): string {
  if (value === undefined) return "unset";
  if (SECRETS.includes(name)) return "***";
  if (SETTINGS[name].form === "duration" && typeof value === "number") {
    return formatDuration(value);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
