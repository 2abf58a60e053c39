import { ConfigError } from "../config/config_error.ts";
import type { Config } from "../config/settings.ts";
import type { Logger } from "../platform/log.ts";
import { openInsecureTransport } from "../uplink/insecure_transport.ts";
import { fetchTransport, type Transport } from "../uplink/transport.ts";
import { readCertificates } from "./certificates.ts";
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
  const { ca, client } = await readCertificates(config);
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
  if (proxies) {
    // One that is down looks like a control plane that is.
    log.info("The control plane is asked through a proxy", {
      ...(proxies.https ? { https: new URL(proxies.https).host } : {}),
      ...(proxies.http ? { http: new URL(proxies.http).host } : {}),
      except: proxies.noProxy.join(" "),
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
      what: "the certificates cannot be used: are they whole?",
    }]);
  }
}
