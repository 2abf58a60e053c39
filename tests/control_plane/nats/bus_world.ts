import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import {
  connect,
  jwtAuthenticator,
  type NatsConnection,
} from "@nats-io/transport-node";
import type { MessageBusSettings } from "../../../src/control_plane/nats/message_bus.ts";
import {
  busConfigSchema,
  natsServerConfig,
} from "../../../src/wire/bus_config.ts";
import {
  type CarrierCredentials,
  carrierCredentialsSchema,
} from "../../../src/wire/carrier_credentials.ts";
import { checkShape } from "../../../src/wire/shape_error.ts";
import { NatsServer } from "../../fakes/nats_server.ts";
import { eventually } from "../../scenarios/eventually.ts";
import { parseEnvelope } from "../../../src/wire/parse_envelope.ts";
import type { SseFrame } from "../sse_reader.ts";
import { RunningPlane, type TestNode } from "../running_plane.ts";

/** Options for {@linkcode BusWorld.start}. */
export interface BusWorldOptions {
  readonly artifactsDir?: string;
  /** Whether time goes on; credentials of nodes expire by it. @default {true} */
  readonly isLive?: boolean;
}

/** A control plane and a real nats-server that trusts it. */
export class BusWorld implements AsyncDisposable {
  private constructor(
    readonly nats: NatsServer,
    readonly plane: RunningPlane,
  ) {}

  /** The bus is there when this resolves. */
  static async start(
    settings: Partial<MessageBusSettings> = {},
    more: BusWorldOptions = {},
  ): Promise<BusWorld> {
    const world = await BusWorld.withoutServer(settings, more);
    await world.startServer();
    return world;
  }

  /** The bus is away until {@linkcode startServer}. */
  static async withoutServer(
    settings: Partial<MessageBusSettings> = {},
    { isLive = true, ...more }: BusWorldOptions = {},
  ): Promise<BusWorld> {
    return await BusWorld.at(new NatsServer(), settings, { isLive, ...more });
  }

  /** A control plane for a server in its place, which is not started yet. */
  static async at(
    nats: NatsServer,
    settings: Partial<MessageBusSettings>,
    { isLive = true, ...more }: BusWorldOptions = {},
  ): Promise<BusWorld> {
    const messageBus = { servers: [nats.url], ...settings };
    const options = { ...more, messageBus };
    return new BusWorld(nats, await RunningPlane.start(options, isLive));
  }

  /** With the configuration that the control plane gives. */
  async startServer(): Promise<void> {
    await this.nats.start(await this.config());
    // It tries again within that time.
    if (!this.plane.isLive) await this.plane.clock.advance(2_000);
    await this.connected();
  }

  /** What a nats-server has to be started with. */
  async config(): Promise<string> {
    const { json } = await this.plane.admin("GET", "/message-bus");
    const config = checkShape("message bus", busConfigSchema, json);
    const { port, storeDir } = this.nats;
    const place = { listen: `127.0.0.1:${port}`, storeDir };
    return natsServerConfig(config, place);
  }

  async connected(): Promise<void> {
    await eventually("the bus is there", async () => {
      const { json } = await this.plane.call("GET", "/readyz");
      return json["message_bus"] === "connected" ? true : undefined;
    });
  }

  /** Waits until the plane has said why it does not use the bus. */
  async refused(): Promise<void> {
    await eventually(
      "the bus is not used",
      () =>
        this.plane.log.text.includes("The message bus is away") || undefined,
    );
    await this.away();
  }

  async away(): Promise<void> {
    await eventually("the bus is away", async () => {
      const { json } = await this.plane.call("GET", "/readyz");
      return json["message_bus"] === "away" ? true : undefined;
    });
  }

  /** Waits until the bus has taken so many messages since the plane started. */
  async published(count: number): Promise<void> {
    await eventually(`${count} messages are published`, async () => {
      const { published_total: published } = await this.figures();
      return published! >= count || undefined;
    });
  }

  /** The plane's figures of the bus, by the last part of their names. */
  async figures(): Promise<Record<string, number>> {
    const { text } = await this.plane.call("GET", "/metrics", {
      bearer: this.plane.adminToken,
    });
    const lines = text.matchAll(
      /^plexd_control_plane_message_bus_(\w+) (\d+)$/gm,
    );
    return Object.fromEntries(
      [...lines].map(([, name, value]) => [name!, Number(value)]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plane[Symbol.asyncDispose]();
    await this.nats[Symbol.asyncDispose]();
  }
}

/** Asks for credentials as a node does. */
export async function credentialsOf(
  node: Pick<TestNode, "call">,
): Promise<CarrierCredentials> {
  const answer = await node.call("POST", "/credentials", { carrier: "nats" });
  if (answer.status !== 200) throw new Error(answer.text);
  return checkShape("credentials", carrierCredentialsSchema, answer.json);
}

/** An event as a node fetched it. */
export interface Fetched extends SseFrame {
  readonly subject: string;
}

/** Far more than the bus needs for an answer, ms. */
const ANSWER_LIMIT_MS = 30_000;

/** A node's client of the bus, with nothing but its credentials. */
export class BusNode implements AsyncDisposable {
  /** What the server has refused it. */
  readonly refusals: string[] = [];

  private constructor(
    readonly credentials: CarrierCredentials,
    readonly connection: NatsConnection,
  ) {
    this.#listen();
  }

  static async connect(credentials: CarrierCredentials): Promise<BusNode> {
    const { servers, user_jwt, user_seed, inbox_prefix } = credentials;
    const seed = new TextEncoder().encode(user_seed);
    const connection = await connect({
      servers,
      authenticator: jwtAuthenticator(user_jwt, seed),
      inboxPrefix: inbox_prefix,
      reconnect: false,
      timeout: ANSWER_LIMIT_MS,
    });
    return new BusNode(credentials, connection);
  }

  static async of(node: Pick<TestNode, "call">): Promise<BusNode> {
    return await BusNode.connect(await credentialsOf(node));
  }

  /** Fetches and acknowledges, until there are so many; nothing is left then. */
  async fetch(atLeast: number): Promise<Fetched[]> {
    const { stream, consumer } = this.credentials;
    const client = jetstream(this.connection, { timeout: ANSWER_LIMIT_MS });
    const pulled = await client.consumers.get(stream, consumer);
    const found: Fetched[] = [];
    while (found.length < atLeast) {
      const batch = await pulled.fetch({ max_messages: 64, expires: 1_000 });
      for await (const message of batch) {
        const data = message.string();
        found.push({
          id: message.headers?.get("Plexd-Event-Id") ?? "",
          event: message.headers?.get("Plexd-Event-Type") ?? "",
          subject: message.subject,
          data,
          get envelope() {
            return parseEnvelope(data);
          },
        });
        if (!await message.ackAck()) throw new Error("Not acknowledged");
      }
    }
    return found;
  }

  /** A manager with nothing but this node's rights. */
  manager(): ReturnType<typeof jetstreamManager> {
    return jetstreamManager(this.connection, {
      timeout: 500,
      checkAPI: false,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }

  async #listen() {
    for await (const status of this.connection.status()) {
      if (status.type === "error") this.refusals.push(status.error.message);
    }
  }
}
