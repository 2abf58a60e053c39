import {
  type Proxies,
  proxiesFrom,
  proxyVariables,
} from "../config/proxies.ts";

/** Hosts that are this one: what goes there must not leave it. */
const LOOPBACK = ["localhost", "127.0.0.0/8", "::1"];

/**
 * Makes the runtime use the proxies of the environment as it should: it reads
 * the variables itself, but ignores what it does not understand, and would send
 * what is meant for this host to the proxy, bearer and all.
 *
 * Changes the variables of this process, when there are any.
 *
 * @param direct Further hosts that are asked without a proxy.
 * @throws {ConfigError} for a variable that names no proxy.
 */
export function useProxies(direct: readonly string[]): Proxies | undefined {
  const named = proxiesFrom(Deno.env.toObject());
  const proxies = named && {
    ...named,
    noProxy: [...new Set([...named.noProxy, ...LOOPBACK, ...direct])],
  };
  for (const [name, value] of Object.entries(proxyVariables(proxies))) {
    if (value !== undefined) Deno.env.set(name, value);
    else if (Deno.env.has(name)) Deno.env.delete(name);
  }
  return proxies;
}
