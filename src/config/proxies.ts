import { ConfigError, type ConfigProblem } from "./config_error.ts";

/** The proxies that the environment names. */
export interface Proxies {
  /** For http; a URL, credentials included. */
  readonly http?: string;
  /** For https. */
  readonly https?: string;
  /** Hosts, domains and networks that are asked without. */
  readonly noProxy: readonly string[];
}

/** The runtime ignores all others without a word. */
const SCHEMES = ["http:", "https:", "socks5:", "socks5h:"];

/**
 * Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or
 * lower case; an empty one counts as absent, and `NO_PROXY=*` as no proxies.
 *
 * @returns undefined when there are none.
 * @throws {ConfigError} for an address that is none. It does not quote it, since
 * it may hold a password.
 */
export function proxiesFrom(
  env: Readonly<Record<string, string>>,
): Proxies | undefined {
  const problems: ConfigProblem[] = [];
  const all = proxyIn(env, "ALL_PROXY", problems);
  const http = proxyIn(env, "HTTP_PROXY", problems) ?? all;
  const https = proxyIn(env, "HTTPS_PROXY", problems) ?? all;
  if (problems.length > 0) throw new ConfigError(problems);
  const [, exempt = ""] = variableIn(env, "NO_PROXY") ?? [];
  const noProxy = exempt.split(/[\s,]+/).map(exemptHost)
    .filter((one) => one !== "");
  if (noProxy.includes("*") || (!http && !https)) return undefined;
  return { ...(http ? { http } : {}), ...(https ? { https } : {}), noProxy };
}

/**
 * One of `NO_PROXY` in the form that the runtime understands: it would go over
 * others without a word. It cannot tell ports apart, so that a port exempts all
 * of its host.
 */
function exemptHost(text: string): string {
  const host = text.toLowerCase();
  const address = /^\[(.+)\](:\d+)?$/.exec(host)?.[1];
  if (address !== undefined) return address;
  return host.replace(/^\*\./, ".").replace(/^([^:]+):\d+$/, "$1")
    .replace(/\.$/, "");
}

/** The variables that say the same, and no others. */
export function proxyVariables(
  proxies: Proxies | undefined,
): Readonly<Record<string, string | undefined>> {
  return {
    HTTP_PROXY: proxies?.http,
    HTTPS_PROXY: proxies?.https,
    NO_PROXY: proxies?.noProxy.join(","),
    ALL_PROXY: undefined,
    http_proxy: undefined,
    https_proxy: undefined,
    no_proxy: undefined,
    all_proxy: undefined,
  };
}

function proxyIn(
  env: Readonly<Record<string, string>>,
  variable: string,
  problems: ConfigProblem[],
): string | undefined {
  const found = variableIn(env, variable);
  if (!found) return undefined;
  const [where, text] = found;
  const address = text.includes("://") ? text : `http://${text}`;
  if (isProxy(address)) return address;
  problems.push({
    where,
    what: "is no address of a proxy: expected one such as " +
      "http://proxy.example.com:3128",
  });
  return undefined;
}

function variableIn(
  env: Readonly<Record<string, string>>,
  variable: string,
): readonly [name: string, text: string] | undefined {
  for (const name of [variable, variable.toLowerCase()]) {
    const text = env[name]?.trim();
    if (text) return [name, text];
  }
  return undefined;
}

function isProxy(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, pathname, search, hash } = new URL(address);
  return SCHEMES.includes(protocol) && hostname !== "" &&
    (pathname === "/" || pathname === "") && search === "" && hash === "";
}
