import { isLoopback } from "../../wire/loopback.ts";
import { BusError } from "./bus_error.ts";

/** Where a message bus listens, and how it is spoken to. */
export interface BusServer {
  /** `host:port`, without a scheme. */
  readonly address: string;
  readonly tls: boolean;
}

/** What the configuration says about connections. */
export interface BusRules {
  /** Allows connections that strangers may read to other hosts than this one. */
  readonly allowPlaintext: boolean;
}

/**
 * Reads `nats://host:port` or `tls://host:port`.
 *
 * What comes over the bus is signed, but not secret: so it has the rules of the
 * control plane's own address.
 *
 * @throws {BusError} kind "not_allowed"
 */
export function busServer(url: string, rules: BusRules): BusServer {
  const known = URL.parse(url.replace(/^(nats|tls):/, "http:"));
  const scheme = /^(nats|tls):\/\//.exec(url)?.[1];
  if (!known || !scheme || known.username || known.password) {
    throw new BusError(
      "not_allowed",
      "The control plane names a message bus that is no nats:// or tls:// address",
    );
  }
  const { hostname } = known;
  const tls = scheme === "tls";
  if (!tls && !rules.allowPlaintext && !isLoopback(hostname)) {
    throw new BusError(
      "not_allowed",
      `The message bus ${known.host} is to be reached without TLS: it has to ` +
        "be a tls:// address, unless api.allow_plaintext is set",
    );
  }
  if (tls && isAddress(hostname)) {
    throw new BusError(
      "not_allowed",
      `The message bus ${known.host} has to be named by a host name: the ` +
        "client of the bus cannot check an address in a certificate",
    );
  }
  const port = known.port || (/:80\/?$/.test(url) ? "80" : "4222");
  return { address: `${hostname}:${port}`, tls };
}

/** URL parsing has already brought addresses into their one plain form. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}
