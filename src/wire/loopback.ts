/**
 * Whether a host as URLs have it is this machine: their parsing has already
 * brought names into lower case and addresses into their one plain form. All of
 * 127.0.0.0/8 is.
 *
 * @see RFC 6890, section 2.2.2
 */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" ||
    /^127(?:\.[0-9]{1,3}){3}$/.test(hostname);
}
