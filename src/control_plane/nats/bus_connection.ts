import {
  connect,
  jwtAuthenticator,
  type NatsConnection,
} from "@nats-io/transport-node";
import { OWN_INBOX_PREFIX } from "./bus_names.ts";
import type { BusUser } from "./bus_users.ts";

export type { NatsConnection };

/** A server that has not answered within it is away. */
const CONNECT_TIMEOUT_MS = 3_000;

/** A connection is given up after two pings without an answer. */
const PING_EVERY_MS = 10_000;
const MAX_PINGS_OUT = 2;

/** Where the bus is, and as whom to go there. */
export interface BusConnectionOptions {
  /** `nats://host:port` or `tls://host:port`. */
  readonly servers: readonly string[];
  /** PEM of the authorities to trust. @default {those of the system} */
  readonly ca?: string;
  readonly user: BusUser;
}

/**
 * Connects once. The client's own way to reconnect keeps what was not sent, and
 * sends it later than what was tried again: who has lost a connection begins
 * anew with the next one.
 *
 * @throws {Error} when no server takes it.
 */
export async function connectBus(
  { servers, ca, user }: BusConnectionOptions,
): Promise<NatsConnection> {
  const needsTls = servers.some((url) => url.startsWith("tls://"));
  return await connect({
    servers: [...servers],
    name: "plexd control plane",
    authenticator: jwtAuthenticator(
      user.jwt,
      new TextEncoder().encode(user.seed),
    ),
    inboxPrefix: OWN_INBOX_PREFIX,
    reconnect: false,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_EVERY_MS,
    maxPingOut: MAX_PINGS_OUT,
    // Without it, a server could talk the client out of encryption.
    ...(needsTls ? { tls: ca === undefined ? {} : { ca } } : {}),
  });
}
