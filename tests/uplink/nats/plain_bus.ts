import { jetstreamManager } from "@nats-io/jetstream";
import { createUser } from "@nats-io/nkeys";
import { connect, nanos, type NatsConnection } from "@nats-io/transport-node";
import type { MessageSink } from "../../../src/uplink/message_sink.ts";
import {
  NatsSession,
  type NatsSessionOptions,
} from "../../../src/uplink/nats/nats_session.ts";
import type { CarrierCredentials } from "../../../src/wire/carrier_credentials.ts";
import { MemoryLog } from "../../fakes/memory_log.ts";
import { NatsServer } from "../../fakes/nats_server.ts";
import { credentials } from "../refreshing.ts";

const STREAM = "PLEXD_EVENTS";
const CONSUMER = "node-1";
const SUBJECT = "plexd.v1.domain.node-1.events";

/** A real nats-server that lets everyone in, with one node's consumer. */
export class PlainBus implements AsyncDisposable {
  readonly refused: string[] = [];
  readonly log = new MemoryLog();
  skipped = 0;

  private constructor(
    readonly nats: NatsServer,
    readonly admin: NatsConnection,
  ) {}

  /** @param ackWaitMs After this a message comes again that nobody answers. */
  static async start(
    { ackWaitMs = 1_000 } = {},
  ): Promise<PlainBus> {
    const nats = new NatsServer();
    await nats.start("jetstream: enabled");
    const admin = await connect({ servers: nats.url });
    const manager = await jetstreamManager(admin);
    await manager.streams.add({
      name: STREAM,
      subjects: ["plexd.v1.*.*.events"],
    });
    await manager.consumers.add(STREAM, {
      durable_name: CONSUMER,
      filter_subject: SUBJECT,
      ack_policy: "explicit",
      ack_wait: nanos(ackWaitMs),
    });
    return new PlainBus(nats, admin);
  }

  async publish(data: string): Promise<void> {
    await this.admin.request(SUBJECT, data);
  }

  /** What the consumer still has to bring, or waits for an answer to. */
  async left(): Promise<number> {
    const manager = await jetstreamManager(this.admin);
    const info = await manager.consumers.info(STREAM, CONSUMER);
    return info.num_pending + info.num_ack_pending;
  }

  /** How many messages have come more than once. */
  async redelivered(): Promise<number> {
    const manager = await jetstreamManager(this.admin);
    const info = await manager.consumers.info(STREAM, CONSUMER);
    return info.num_redelivered;
  }

  async dropConsumer(): Promise<void> {
    const manager = await jetstreamManager(this.admin);
    await manager.consumers.delete(STREAM, CONSUMER);
  }

  open(
    sink: MessageSink,
    options: Partial<NatsSessionOptions> = {},
    fields: Partial<CarrierCredentials> = {},
  ): Promise<NatsSession> {
    return openSession(sink, {
      log: this.log,
      onSkipped: () => this.skipped++,
      onRefused: () => this.refused.push("refused"),
      ...options,
    }, { servers: [this.nats.url], ...fields });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close();
    await this.nats[Symbol.asyncDispose]();
  }
}

/** Connects with credentials that a server may take or not. */
export function openSession(
  sink: MessageSink,
  options: Partial<NatsSessionOptions>,
  fields: Partial<CarrierCredentials>,
): Promise<NatsSession> {
  const user_seed = new TextDecoder().decode(createUser().getSeed());
  const given = credentials(Date.now(), 60_000, { user_seed, ...fields });
  return NatsSession.open(given, {
    sink,
    clientName: "plexd/test",
    allowPlaintext: false,
    connectTimeoutMs: 5_000,
    maxEventBytes: 100_000,
    onRefused() {},
    onSkipped() {},
    log: new MemoryLog(),
    ...options,
  }, 0);
}
