import { ConfigError } from "../config/config_error.ts";
import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { checkBaseUrl } from "../uplink/base_url.ts";
import { ControlClient } from "../uplink/control_client.ts";
import type { AnswerListener } from "../uplink/http_caller.ts";
import { openTransport } from "./open_transport.ts";

/**
 * The client of the configured control plane. It opens no file itself.
 *
 * @throws {ConfigError} when no control plane is named, an address is not
 * allowed, or a file or a proxy cannot be used.
 */
export async function openUplink(
  config: Config,
  io: Platform,
  version: string,
  onAnswer?: AnswerListener,
): Promise<ControlClient> {
  const [baseUrl, ...fallbackUrls] = controlPlanesIn(config);
  return new ControlClient({
    baseUrl,
    fallbackUrls,
    version,
    connectTimeoutMs: config["api.connect_timeout"],
    requestTimeoutMs: config["api.request_timeout"],
    maxAnswerBytes: config["api.max_answer_bytes"],
    allowPlaintext: config["api.allow_plaintext"],
    transport: await openTransport(config, io.log),
    ...(onAnswer ? { onAnswer } : {}),
    clock: io.clock,
    log: io.log,
  });
}

/**
 * The addresses of the configured control plane, the preferred one first; all
 * of them are under the same rules.
 *
 * @throws {ConfigError} when there is none, or one is not allowed.
 */
export function controlPlanesIn(config: Config): [string, ...string[]] {
  const baseUrl = config["api.base_url"];
  if (baseUrl === undefined) {
    throw new ConfigError([{
      where: "api.base_url",
      what: "is not set: name the control plane in the configuration file, " +
        "with PLEXD_API_BASE_URL or with --api",
    }]);
  }
  const fallbackUrls = config["api.fallback_urls"];
  checkAll("api.base_url", [baseUrl], config);
  checkAll("api.fallback_urls", fallbackUrls, config);
  return [baseUrl, ...fallbackUrls];
}

function checkAll(where: string, urls: readonly string[], config: Config) {
  for (const url of urls) {
    try {
      checkBaseUrl(url, config["api.allow_plaintext"]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new ConfigError([{ where, what: error.message }]);
    }
  }
}
