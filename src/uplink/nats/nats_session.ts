import type {
  Authenticator,
  ConnectionOptions,
  NatsConnection,
} from "@nats-io/transport-node";
import type { Consumer, JsMsg } from "@nats-io/jetstream";
import { describeError, type Logger } from "../../platform/log.ts";
import type { CarrierCredentials } from "../../wire/carrier_credentials.ts";
import type { Delivery, MessageSink } from "../message_sink.ts";
import { BusError } from "./bus_error.ts";
import { type BusRules, busServer } from "./bus_server.ts";

/** What {@linkcode NatsSession} needs. */
export interface NatsSessionOptions extends BusRules {
  readonly sink: MessageSink;
  /** Shown to those who run the bus, such as `plexd/1.2.3`. */
  readonly clientName: string;
  /** PEM text of certificate authorities beside the system's. */
  readonly ca?: string | undefined;
  /** Time until a connection is usable. */
  readonly connectTimeoutMs: number;
  /** Most bytes of one event; longer ones are answered with a pull. */
  readonly maxEventBytes: number;
  /** A message was refused, and will not come again. */
  readonly onRefused: () => void;
  /** A message over `maxEventBytes` was left out. */
  readonly onSkipped: () => void;
  readonly log: Logger;
}

/** One request for messages lasts this long; the next one follows at once. */
const BATCH_MS = 30_000;

/** Twice this without a sign of life, and the consumer counts as lost. */
const IDLE_HEARTBEAT_MS = 5_000;

/** Silence of the server until it is asked, and answers that may be missing. */
const PING = { pingInterval: 15_000, maxPingOut: 2 } as const;

/**
 * A batch is held in memory. The client takes a limit of messages or of bytes,
 * so messages are counted as if each were as long as the server lets it be.
 */
const BATCH_BYTES = 32 * 1024 * 1024;
const BATCH_MESSAGES = 64;

/** Until a message comes again whose effect could not be stored. */
const AGAIN_MS = { base: 1_000, max: 15_000 } as const;

/** One connection to the message bus, from its login to its end. */
export class NatsSession {
  readonly #options: NatsSessionOptions;
  readonly #connection: NatsConnection;
  readonly #consumer: Consumer;
  #closing = false;

  private constructor(
    readonly credentials: CarrierCredentials,
    options: NatsSessionOptions,
    connection: NatsConnection,
    consumer: Consumer,
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#consumer = consumer;
  }

  /**
   * Logs in and finds the node's consumer. Nothing is fetched yet.
   *
   * @param attempt Which of the servers is tried: each try takes the next one.
   * @throws {BusError}
   */
  static async open(
    credentials: CarrierCredentials,
    options: NatsSessionOptions,
    attempt: number,
  ): Promise<NatsSession> {
    const { servers, stream, consumer } = credentials;
    const library = await import("./library.ts");
    const authenticator = authenticatorOf(
      credentials,
      (seed) => library.jwtAuthenticator(credentials.user_jwt, seed),
    );
    const url = servers[attempt % servers.length]!;
    const settings = connectionOptions(url, credentials, options);
    let connection: NatsConnection | undefined;
    try {
      connection = await library.connect({ ...settings, authenticator });
      const js = library.jetstream(connection, {
        timeout: options.connectTimeoutMs,
      });
      const found = await js.consumers.get(stream, consumer);
      return new NatsSession(credentials, options, connection, found);
    } catch (error) {
      await connection?.close().catch(() => {});
      throw busErrorOf(error, library.errors);
    }
  }

  /**
   * Hands messages to the sink, a bounded batch at a time, until the connection
   * ends or {@linkcode close} is called.
   *
   * @throws {BusError} unless it was closed.
   */
  async read(): Promise<void> {
    const { errors } = await import("./library.ts");
    const { maxEventBytes } = this.#options;
    const longest = this.#connection.info?.max_payload || maxEventBytes;
    const fitting = Math.floor(BATCH_BYTES / longest);
    const max_messages = Math.max(1, Math.min(fitting, BATCH_MESSAGES));
    try {
      while (!this.#closing && !this.#connection.isClosed()) {
        const batch = await this.#consumer.fetch({
          max_messages,
          expires: BATCH_MS,
          idle_heartbeat: IDLE_HEARTBEAT_MS,
        });
        for await (const message of batch) {
          if (this.#closing) break;
          await this.#take(message);
        }
      }
    } catch (error) {
      if (!this.#closing) throw busErrorOf(error, errors);
    }
    if (this.#closing) return;
    const why = await this.#connection.closed();
    throw why instanceof Error
      ? busErrorOf(why, errors)
      : new BusError("unreachable", "The message bus closed the connection");
  }

  /** What is not acknowledged yet comes again. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true;
    try {
      if (!this.#connection.isClosed()) await this.#connection.close();
    } catch (error) {
      this.#options.log.debug("The message bus was left", {
        error: describeError(error),
      });
    }
  }

  async #take(message: JsMsg): Promise<void> {
    const { sink, maxEventBytes, onSkipped, log } = this.#options;
    if (message.data.length > maxEventBytes) {
      log.warn("Event skipped as it is too long", {
        max_event_bytes: maxEventBytes,
      });
      this.#answer(message, "refused");
      return onSkipped();
    }
    let isTold = false;
    const tell = (delivery: Delivery) => {
      if (isTold) return;
      isTold = true;
      this.#answer(message, delivery);
      if (delivery === "refused") this.#options.onRefused();
    };
    try {
      await sink.accept({
        id: "",
        data: new TextDecoder().decode(message.data),
        carrier: "nats",
        redelivered: message.redelivered,
      }, tell);
    } catch (error) {
      log.warn("An event from the message bus has to come again", {
        error: describeError(error),
      });
      tell("failed");
    }
  }

  #answer(message: JsMsg, delivery: Delivery) {
    // Without an answer it comes again, and is known then.
    if (this.#connection.isClosed()) return;
    if (delivery === "taken") return message.ack();
    if (delivery === "refused") return message.term();
    const { base, max } = AGAIN_MS;
    message.nak(Math.min(base * 2 ** (message.info.deliveryCount - 1), max));
  }
}

function connectionOptions(
  url: string,
  { inbox_prefix }: CarrierCredentials,
  options: NatsSessionOptions,
): ConnectionOptions {
  const { address, tls } = busServer(url, options);
  const { clientName, connectTimeoutMs, ca } = options;
  return {
    servers: [address],
    name: clientName,
    inboxPrefix: inbox_prefix,
    timeout: connectTimeoutMs,
    ...PING,
    // When to try again, and with which credentials, is decided elsewhere.
    reconnect: false,
    // Other servers that it names were not named by the control plane.
    ignoreClusterUpdates: true,
    // The client checks the name of the certificate, and asks for TLS.
    ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}),
  };
}

/** The seed is in memory for one signature, as far as that is in our hands. */
function authenticatorOf(
  { user_seed }: CarrierCredentials,
  withSeed: (seed: Uint8Array) => Authenticator,
): Authenticator {
  return (nonce) => {
    const seed = new TextEncoder().encode(user_seed);
    try {
      return withSeed(seed)(nonce);
    } finally {
      seed.fill(0);
    }
  };
}

type Errors = typeof import("./library.ts").errors;

function busErrorOf(error: unknown, errors: Errors): BusError {
  if (error instanceof BusError) return error;
  const isRefused = error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError ||
    error instanceof errors.PermissionViolationError;
  if (isRefused) {
    return new BusError(
      "unauthorized",
      "The message bus refuses the login",
      error,
    );
  }
  const isMissing = error instanceof Error && MISSING.includes(error.name);
  return isMissing
    ? new BusError("missing", "The message bus does not know the node", error)
    : new BusError("unreachable", "The message bus cannot be reached", error);
}

const MISSING = ["StreamNotFoundError", "ConsumerNotFoundError"];
