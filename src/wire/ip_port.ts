import { isIPv4, isIPv6 } from "node:net";

/**
 * Whether a text is an address and port that need no name service, such as
 * `192.0.2.1:51820` or `[2001:db8::1]:51820`.
 *
 * @see docs/wire.md, section a.3, call 8
 */
export function isIpAndPort(text: string): boolean {
  const [, v6 = "", v4 = "", digits = ""] =
    /^(?:\[([^\]%]+)\]|([^:]+)):([1-9]\d{0,4})$/.exec(text) ?? [];
  return Number(digits) <= 65_535 && (isIPv4(v4) || isIPv6(v6));
}
