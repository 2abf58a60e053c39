import { ConfigError, type ConfigProblem } from "../config/config_error.ts";
import type { Config } from "../config/settings.ts";
import type { RegistrationOptions } from "../sync/registration.ts";
import type { Resource } from "../sync/registration_dialect.ts";

/**
 * The dialect to join in, and what dialect 2 needs for it.
 *
 * @throws {ConfigError} when dialect 2 is asked for and what it cannot do
 * without is missing.
 */
export function registrationDialectFrom(
  config: Config,
): Pick<RegistrationOptions, "dialect" | "resource"> {
  const resource = resourceFrom(config);
  switch (config["api.dialect"]) {
    case "auto":
      return { dialect: "auto", ...(resource ? { resource } : {}) };
    case "1":
      return { dialect: 1 };
    case "2":
      if (!resource) throw new ConfigError(missingIn(config));
      return { dialect: 2, resource };
  }
}

function resourceFrom(config: Config): Resource | undefined {
  const projectId = config["registration.project_id"];
  const resourceHandle = config["registration.resource_handle"];
  const requestedResourceId = config["registration.requested_resource_id"];
  if (projectId === undefined || resourceHandle === undefined) return undefined;
  return {
    projectId,
    resourceHandle,
    ...(requestedResourceId === undefined ? {} : { requestedResourceId }),
  };
}

function missingIn(config: Config): ConfigProblem[] {
  const needed = [
    "registration.project_id",
    "registration.resource_handle",
  ] as const;
  return needed.filter((name) => config[name] === undefined).map((name) => ({
    where: name,
    what: "is not set, and joining in dialect 2 (api.dialect) needs it",
  }));
}
