/**
 * Splits what `Deno.serve` reports as a request's URL without normalising it:
 * a URL parser would fold `..` and `//`, and would take a hostile Host field
 * such as `a/v1/state?` for a path.
 */

/** A reg-name, IPv4 or bracketed address, with an optional port (RFC 3986, 3.2.2). */
const HOST =
  /^(?:(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** Longer than any name that DNS, or a path of a socket, can make. */
const LONGEST_HOST = 512;

/** Whether a Host field is one that RFC 9110 allows. */
export function isWellFormedHost(host: string): boolean {
  return host.length <= LONGEST_HOST && HOST.test(host);
}

/**
 * The path of a request exactly as it was sent, without the query.
 *
 * @param url As `Deno.serve` reports it: scheme, `://`, Host, path.
 * @param host The Host field, already known to be well-formed; null or empty
 * when there is none, and then the server has put a harmless name in its place.
 * @returns undefined when the target names another host than the Host field.
 */
export function rawPath(url: string, host: string | null): string | undefined {
  const start = url.indexOf("://") + 3;
  let at: number;
  if (host) {
    at = start + host.length;
    if (!url.startsWith(host, start)) return undefined;
    // A longer name that begins with the Host field is another name.
    if (at < url.length && url.charCodeAt(at) !== SLASH) return undefined;
  } else {
    at = url.indexOf("/", start);
    if (at < 0) return "";
  }
  const query = url.indexOf("?", at);
  return query < 0 ? url.slice(at) : url.slice(at, query);
}

const SLASH = 0x2f;

/** Undoes percent-encoding; undefined where it is broken or not UTF-8. */
export function decodeSegment(raw: string): string | undefined {
  // Decoding costs more than finding the entry, and few keys need it.
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}
