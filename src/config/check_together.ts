import type { ConfigProblem } from "./config_error.ts";
import type { Config, SettingName } from "./settings.ts";

/** A rule about two settings. */
interface Rule {
  readonly holds: (config: Config) => boolean;
  /** The setting that has to change. */
  readonly about: SettingName;
  /** The setting that makes it so. */
  readonly because: SettingName;
  readonly what: string;
}

const RULES: readonly Rule[] = [
  {
    holds: (config) =>
      !config["node_api.http_enabled"] ||
      config["node_api.http_token_file"] !== undefined,
    about: "node_api.http_token_file",
    because: "node_api.http_enabled",
    what: "is needed when node_api.http_enabled is true",
  },
  {
    holds: (config) =>
      config["api.client_key_file"] !== undefined ||
      config["api.client_cert_file"] === undefined,
    about: "api.client_key_file",
    because: "api.client_cert_file",
    what: "goes together with api.client_cert_file",
  },
  {
    holds: (config) =>
      config["api.client_cert_file"] !== undefined ||
      config["api.client_key_file"] === undefined,
    about: "api.client_cert_file",
    because: "api.client_key_file",
    what: "goes together with api.client_key_file",
  },
  {
    holds: (config) =>
      config["stream.backoff_max"] >= config["stream.backoff_base"],
    about: "stream.backoff_max",
    because: "stream.backoff_base",
    what: "must not be below stream.backoff_base",
  },
];

/**
 * Rules that concern more than one setting.
 *
 * @param isWrong Whether a setting has been complained of already: what was
 * meant is not known then.
 * @param placeOf Where a setting stands, if anywhere.
 */
export function checkTogether(
  config: Config,
  isWrong: (name: SettingName) => boolean,
  placeOf: (name: SettingName) => string | undefined,
): ConfigProblem[] {
  return RULES
    .filter(({ about, because }) => !isWrong(about) && !isWrong(because))
    .filter(({ holds }) => !holds(config))
    .map(({ about, because, what }) => {
      const place = placeOf(about) ?? placeOf(because);
      return place === undefined
        ? { where: about, what }
        : { where: place, what: `${about}: ${what}` };
    });
}
