import type { InspectedConfig } from "../../config/load_config.ts";
import type { ORIGIN_KINDS } from "../../config/origin.ts";
import { NAMES } from "../../config/resolve_name.ts";
import {
  type Config,
  type SettingName,
  SETTINGS,
} from "../../config/settings.ts";
import { membershipPaths } from "../../store/folders.ts";

/** Stands for a value that must not be seen. */
const MASKED = "********";

/** One setting as it holds, and who says so. */
export interface EffectiveSetting {
  readonly name: SettingName;
  /** Times and sizes as they were written; null when there is none. */
  readonly value: unknown;
  readonly from: typeof ORIGIN_KINDS[number];
  /** The flag, the variable or `file:line:column`; null for a default. */
  readonly where: string | null;
}

/** Every setting as it holds. Values of secret ones are masked. */
export function effectiveSettings(
  config: Config,
  origins: InspectedConfig["origins"],
): EffectiveSetting[] {
  return NAMES.map((name) => {
    const origin = origins.get(name);
    return {
      name,
      value: SETTINGS[name].isSecret && config[name] !== undefined
        ? MASKED
        : asWritten(name, config, origin?.written),
      from: origin?.kind ?? "default",
      where: origin?.where ?? null,
    };
  });
}

/** Nobody reads 5400000 as an hour and a half. */
function asWritten(name: SettingName, config: Config, written: unknown) {
  const { form, defaultText } = SETTINGS[name];
  const isCounted = form === "duration" || form === "size";
  return (isCounted ? written ?? defaultText : config[name]) ?? null;
}

/** What of this machine a configuration is about. */
export interface Places {
  readonly cluster: string;
  readonly membership_folder: string;
  readonly socket: string;
  /** Null when the other one gives secret values too. */
  readonly secrets_socket: string | null;
  /** Address of the TCP listener; null when there is none. */
  readonly listen: string | null;
}

export function placesOf(config: Config): Places {
  const { data_dir: dataDir, cluster } = config;
  return {
    cluster,
    membership_folder: membershipPaths(dataDir, cluster).root,
    socket: config["node_api.socket_path"],
    secrets_socket: config["node_api.split_secrets"]
      ? config["node_api.secrets_socket_path"]
      : null,
    listen: config["node_api.http_enabled"]
      ? config["node_api.http_listen"]
      : null,
  };
}

/** {@linkcode placesOf} for people, a line each. */
export function placeLines(places: Places): string[] {
  return [
    `Membership   ${places.membership_folder}`,
    `Local API    ${places.socket}`,
    ...(places.secrets_socket === null
      ? []
      : [`  secrets    ${places.secrets_socket}`]),
    ...(places.listen === null ? [] : [`  TCP        ${places.listen}`]),
  ];
}
