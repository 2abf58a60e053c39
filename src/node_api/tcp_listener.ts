import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import { Guard } from "./guard/guard.ts";
import type { GuardLimits } from "./guard/limits.ts";
import type { RefusalReason } from "./guard/refusal.ts";
import { ListenError } from "./listen_error.ts";
import type { Listener, RequestHandler } from "./listener.ts";
import { servePrivately } from "./unix_listener.ts";

/** Longer than any bearer that fits into a header field. */
const LARGEST_TOKEN_BYTES = 8_192;

/** A TCP address to listen on. */
export interface TcpAddress {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Reads `host:port`, `[v6]:port` or `:port`, the last for all addresses.
 *
 * @throws {ListenError} kind "address"
 */
export function parseTcpAddress(listen: string): TcpAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\s/]*)):([0-9]{1,5})$/.exec(
    listen,
  );
  const port = Number(match?.[3]);
  if (!match || !(port <= 65_535)) {
    throw new ListenError(
      "address",
      `Cannot listen on "${listen}": it is not of the form host:port`,
    );
  }
  return { hostname: match[1] ?? (match[2] || "0.0.0.0"), port };
}

/**
 * Reads the bearer of the TCP listener, surrounding space removed.
 *
 * @throws {ListenError} kind "token_file"
 */
export function readTokenFile(path: string, log: Logger): string {
  let token: string;
  try {
    const { size, mode } = Deno.statSync(path);
    if (size > LARGEST_TOKEN_BYTES) {
      throw new RangeError(`it has more than ${LARGEST_TOKEN_BYTES} bytes`);
    }
    if (mode !== null && (mode & 0o007) !== 0) {
      log.warn("Token file is open to every user", { file: path });
    }
    token = Deno.readTextFileSync(path).trim();
  } catch (error) {
    throw new ListenError(
      "token_file",
      `Cannot read the token file ${path}`,
      error,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new ListenError(
      "token_file",
      `Cannot use the token file ${path}: it must hold one word of visible ASCII`,
    );
  }
  return token;
}

/** Options for {@linkcode openTcpListener}. */
export interface TcpListenerOptions {
  readonly address: TcpAddress;
  readonly handler: RequestHandler;
  /** Where the server behind the guard listens: a socket for this user only. */
  readonly innerPath: string;
  readonly limits: GuardLimits;
  /** Hears of everything that the guard turns away. */
  readonly refused: (reason: RefusalReason) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Listens on a TCP address, with a guard in front of the server.
 *
 * @throws {ListenError} kind "in_use", "address" or "failed"
 */
export async function openTcpListener(
  options: TcpListenerOptions,
): Promise<Listener & { readonly port: number }> {
  const { address: { hostname, port }, innerPath: path, handler } = options;
  const server = await servePrivately(path, handler, options.log);
  let listener: Deno.TcpListener;
  try {
    listener = Deno.listen({ hostname, port });
  } catch (error) {
    await server.close();
    const kind = error instanceof Deno.errors.AddrInUse ? "in_use" : "address";
    throw new ListenError(kind, `Cannot listen on ${hostname}:${port}`, error);
  }
  const { limits, refused, clock, log } = options;
  const guard = new Guard({
    listener,
    connect: () => Deno.connect({ transport: "unix", path }),
    limits,
    refused,
    clock,
    log,
  });
  const running = guard.run();
  const finished = Promise.race([running, server.finished]);
  return {
    port: listener.addr.port,
    finished,
    get connections() {
      return guard.connections;
    },
    place: () => server.place(),
    isListening: () => server.isListening(),
    async close() {
      const stopped = guard.stop();
      listener.close();
      await server.close();
      await stopped;
      await running.catch((error) =>
        log.debug("Listener had failed", { hostname, port, error })
      );
    },
  };
}
