import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback } from "../wire/loopback.ts";
import { errorAnswer } from "./answers.ts";
import { isWellFormedHost } from "./request_target.ts";

/** Decides, before routing, whether a request is turned away. */
export type Gate = (
  host: string | null,
  headers: Headers,
) => Response | undefined;

/**
 * The gate of a Unix socket: who may connect is settled by its mode, so any
 * well-formed Host field will do.
 */
export function socketGate(): Gate {
  let lastGood = "";
  return (host) => {
    // Nearly all requests of a socket name the same host.
    if (host === lastGood || host === null || host === "") return undefined;
    if (!isWellFormedHost(host)) return malformedHost();
    lastGood = host;
    return undefined;
  };
}

/** Options for {@linkcode tcpGate}. */
export interface TcpGateOptions {
  /** The bearer that each request must carry. */
  readonly token: string;
  /** Host part of the address that is listened on. */
  readonly hostname: string;
  /** Further names the listener is known by, each with or without a port. */
  readonly hosts: readonly string[];
}

/** A stranger gets one answer a connection, so it cannot let them pile up. */
const LAST = { connection: "close" };

/**
 * The gate of the TCP listener. A web page can make a browser connect to it,
 * so a foreign Host field (DNS rebinding) and a foreign Origin are refused even
 * before the bearer is looked at.
 */
export function tcpGate(options: TcpGateOptions): Gate {
  const named = new Set(options.hosts.map((host) => host.toLowerCase()));
  const listening = bracketed(options.hostname.toLowerCase());
  const isOwn = (authority: string) => {
    const host = authority.toLowerCase();
    const name = host.replace(/:[0-9]+$/, "");
    return isLoopback(name) || name === listening || named.has(name) ||
      named.has(host);
  };
  const expected = sha256(options.token);
  return (host, headers) => {
    if (!host || !isWellFormedHost(host)) {
      return errorAnswer(400, "malformed host", LAST);
    }
    if (!isOwn(host)) return errorAnswer(421, "misdirected request", LAST);
    const origin = headers.get("origin");
    if (origin !== null && !isSameOrigin(origin, host, named)) {
      return errorAnswer(403, "forbidden: foreign origin", LAST);
    }
    return carries(headers.get("authorization"), expected)
      ? undefined
      : errorAnswer(401, "unauthorized", LAST);
  };
}

/** The answer to a Host field that is no host. */
export function malformedHost(): Response {
  return errorAnswer(400, "malformed host");
}

/** The page came from this very listener, or from a host it was told of. */
function isSameOrigin(
  origin: string,
  host: string,
  named: ReadonlySet<string>,
): boolean {
  const authority = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
  if (authority === undefined) return false;
  return authority === host.toLowerCase() || named.has(authority) ||
    named.has(authority.replace(/:[0-9]+$/, ""));
}

/**
 * The scheme in any case, the token exactly. Digests are compared, as the
 * comparison in constant time wants equal lengths.
 */
function carries(authorization: string | null, expected: Uint8Array): boolean {
  const space = authorization?.indexOf(" ") ?? -1;
  if (authorization === null || space < 0) return false;
  return authorization.slice(0, space).toLowerCase() === "bearer" &&
    timingSafeEqual(sha256(authorization.slice(space + 1)), expected);
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function bracketed(hostname: string): string {
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `[${hostname}]`
    : hostname;
}
