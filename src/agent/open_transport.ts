import { ConfigError } from "../config/config_error.ts";
import type { Config, SettingName } from "../config/settings.ts";
import type { Logger } from "../platform/log.ts";
import { openInsecureTransport } from "../uplink/insecure_transport.ts";
import { fetchTransport, type Transport } from "../uplink/transport.ts";
import { useProxies } from "./use_proxies.ts";

/**
 * What carries the calls to the control plane, with its certificates read from
 * their files.
 *
 * @throws {ConfigError} when a file or a proxy cannot be used.
 */
export async function openTransport(
  config: Config,
  log: Logger,
): Promise<Transport> {
  // The metadata service is as near as this host, and gives the token away.
  const { hostname = "" } = URL.parse(config["registration.metadata_url"]) ??
    {};
  const proxies = useProxies([hostname.replace(/^\[|\]$/g, "")]);
  const ca = await pem(config, "api.ca_file");
  const client = await clientCertificate(config);
  if (config["api.tls_insecure_skip_verify"]) {
    const setting = "api.tls_insecure_skip_verify";
    log.warn(
      "The certificate of the control plane is not checked: anyone on the way can read the node's key and steer it",
      { setting },
    );
    if (proxies) {
      log.warn("The control plane is asked without the proxy", { setting });
    }
    return await openInsecureTransport({
      connectTimeoutMs: config["api.connect_timeout"],
      ...(client ? { clientCertificate: client } : {}),
    });
  }
  try {
    return fetchTransport(Deno.createHttpClient({
      // HTTP/2 has all calls on one connection, which the runtime keeps until
      // the system gives it up: 15 minutes without a control plane.
      http2: false,
      ...(ca === undefined ? {} : { caCerts: [ca] }),
      ...client,
    }));
  } catch (error) {
    if (ca === undefined && client === undefined) throw error;
    throw new ConfigError([{
      where: client ? "api.client_cert_file" : "api.ca_file",
      what: "the certificates cannot be used: are they whole, and does the " +
        "key belong to the certificate?",
    }]);
  }
}

async function clientCertificate(
  config: Config,
): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  const cert = await pem(config, "api.client_cert_file");
  const key = await pem(config, "api.client_key_file");
  // The configuration has neither without the other.
  return cert === undefined || key === undefined ? undefined : { cert, key };
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
