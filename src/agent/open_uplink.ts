import { ConfigError } from "../config/config_error.ts";
import type { Config, SettingName } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { ControlClient } from "../uplink/control_client.ts";
import type { AnswerListener } from "../uplink/http_caller.ts";
import { fetchTransport } from "../uplink/transport.ts";

/**
 * The client of the configured control plane, with its certificates read from
 * their files: the client itself opens none.
 *
 * @throws {ConfigError} when no control plane is named or a file cannot be read.
 */
export async function openUplink(
  config: Config,
  io: Platform,
  version: string,
  onAnswer?: AnswerListener,
): Promise<ControlClient> {
  const baseUrl = config["api.base_url"];
  if (baseUrl === undefined) {
    throw new ConfigError([{
      where: "api.base_url",
      what: "is not set: name the control plane in the configuration file, " +
        "with PLEXD_API_BASE_URL or with --api",
    }]);
  }
  const httpClient = await httpClientFor(config);
  try {
    return new ControlClient({
      baseUrl,
      version,
      connectTimeoutMs: config["api.connect_timeout"],
      requestTimeoutMs: config["api.request_timeout"],
      allowPlaintext: config["api.allow_plaintext"],
      transport: fetchTransport(httpClient),
      ...(onAnswer ? { onAnswer } : {}),
      clock: io.clock,
      log: io.log,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError([{ where: "api.base_url", what: error.message }]);
  }
}

async function httpClientFor(
  config: Config,
): Promise<Deno.HttpClient | undefined> {
  const ca = await pem(config, "api.ca_file");
  const cert = await pem(config, "api.client_cert_file");
  const key = await pem(config, "api.client_key_file");
  if (ca === undefined && cert === undefined) return undefined;
  return Deno.createHttpClient({
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  });
}

async function pem(
  config: Config,
  name:
    & SettingName
    & ("api.ca_file" | "api.client_cert_file" | "api.client_key_file"),
): Promise<string | undefined> {
  const path = config[name];
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    throw new ConfigError([{ where: name, what: `${path} cannot be read` }]);
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new ConfigError([{ where: name, what: `${path} is no PEM file` }]);
}
