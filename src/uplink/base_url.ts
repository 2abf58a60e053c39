import { isLoopback } from "../wire/loopback.ts";

/** Where the control plane is, checked once. */
export interface BaseUrl {
  /** Without trailing slashes, so that a path can be appended. */
  readonly href: string;
  /**
   * Plain HTTP to another host: whoever is on the way reads the bearer, which
   * is also the key of secrets, and may change what is answered.
   */
  readonly exposed: boolean;
}

/**
 * Checks the address of a control plane.
 *
 * @throws {RangeError} when it is not an http or https URL, carries more than
 * host and path, or is plain HTTP to another host without `allowPlaintext`. It
 * does not quote the address, which could hold a password.
 */
export function checkBaseUrl(text: string, allowPlaintext: boolean): BaseUrl {
  if (!URL.canParse(text)) {
    throw new RangeError("Invalid control plane address: not a URL");
  }
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new RangeError(
      `Invalid control plane address: expected https, found ${url.protocol}`,
    );
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new RangeError(
      "Invalid control plane address: only scheme, host, port and path may stand in it",
    );
  }
  const exposed = url.protocol === "http:" && !isLoopback(url.hostname);
  if (exposed && !allowPlaintext) {
    throw new RangeError(
      `Invalid control plane address: plain http to ${url.host} would show the node's key to the network; use https, or allow it with "api.allow_plaintext"`,
    );
  }
  return { href: url.href.replace(/\/+$/, ""), exposed };
}
