import { ProblemError } from "./problem.ts";

/** A reg-name, IPv4 or bracketed address, with an optional port (RFC 3986, 3.2.2). */
const HOST =
  /^(?:(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** Longer than any name that DNS can make. */
const LONGEST_HOST = 512;

/**
 * The path of a request exactly as it was sent, without the query.
 *
 * A URL parser would fold `..` and `//`, and `Deno.serve` puts the Host field
 * unchecked before the path, so a Host such as `a/admin/v1?` could pass for one.
 *
 * @throws {ProblemError} 400 "malformed_host"
 */
export function rawPath(request: Request): string {
  const { url } = request;
  const host = request.headers.get("host");
  const start = url.indexOf("://") + 3;
  let at = url.indexOf("/", start);
  if (host) {
    if (host.length > LONGEST_HOST || !HOST.test(host)) {
      throw new ProblemError(400, "malformed_host");
    }
    at = start + host.length;
    if (!url.startsWith(host, start) || url[at] !== "/") {
      throw new ProblemError(400, "malformed_host", {
        detail: "The request is for another host than its Host field says",
      });
    }
  }
  if (at < 0) throw new ProblemError(400, "malformed_path");
  const end = url.slice(at).search(/[?#]/);
  return end < 0 ? url.slice(at) : url.slice(at, at + end);
}
