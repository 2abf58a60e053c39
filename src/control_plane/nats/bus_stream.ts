import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { headers, nanos } from "@nats-io/transport-node";
import { eventSubject } from "../../wire/carrier_credentials.ts";
import type { NatsConnection } from "./bus_connection.ts";
import {
  consumerOf,
  MAX_AGE_MS,
  STREAM,
  STREAM_BYTES,
  STREAM_SUBJECTS,
} from "./bus_names.ts";

/** A server that has not answered within it is away. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Until then a node says what has become of a message, or gets it again. */
const ACK_WAIT_MS = 30_000;

/** Events that wait for one node; the oldest go first. */
const MAX_PER_NODE = 1_024;

/** Headers count, too, and have their own place in what a server takes. */
const ROOM_FOR_HEADERS = 4_096;

/** Headers of a message: what stands beside the data on an event stream. */
const EVENT_ID = "Plexd-Event-Id";
const EVENT_TYPE = "Plexd-Event-Type";

/** Whose consumer. */
export interface ConsumerOf {
  readonly nodeId: string;
  readonly domainId: string;
}

/** An event on its way to one node. */
export interface Message extends ConsumerOf {
  readonly sequence: number;
  readonly type: string;
  /** The signed envelope. */
  readonly data: Uint8Array;
}

/** The stream of all events on one connection, with a consumer for each node. */
export class BusStream {
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;
  readonly #info: StreamInfo;
  /** Bytes of the largest event that the server takes. */
  readonly maxBytes: number;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    info: StreamInfo,
  ) {
    this.#manager = manager;
    this.#client = jetstream(connection, { timeout: ANSWER_TIMEOUT_MS });
    this.#info = info;
    this.maxBytes = (connection.info?.max_payload ?? 2 ** 20) -
      ROOM_FOR_HEADERS;
  }

  /**
   * Makes the stream, or brings one that is there into form.
   *
   * @param anew Whether a stream that is there belongs to another history: its
   * message ids would be taken for repetitions.
   */
  static async open(
    connection: NatsConnection,
    anew: boolean,
  ): Promise<BusStream> {
    const manager = await jetstreamManager(connection, {
      timeout: ANSWER_TIMEOUT_MS,
    });
    if (anew) {
      await unlessMissing(
        JetStreamApiCodes.StreamNotFound,
        () => manager.streams.delete(STREAM),
      );
    }
    const known = await unlessMissing(
      JetStreamApiCodes.StreamNotFound,
      () => manager.streams.info(STREAM),
    );
    const info = known
      ? await manager.streams.update(STREAM, FORM)
      : await manager.streams.add({ name: STREAM, ...FORM });
    return new BusStream(connection, manager, info);
  }

  /** When the stream was made, as the server says it. */
  get created(): string {
    return this.#info.created;
  }

  /** Sequence of its newest message when it was opened. */
  get lastSequence(): number {
    return this.#info.state.last_seq;
  }

  /**
   * Sequence, in the outbox, of the event that the newest message holds;
   * undefined when there is no message left.
   */
  async lastEvent(): Promise<number | undefined> {
    const { messages, last_seq: seq } = this.#info.state;
    if (messages === 0) return undefined;
    const message = await this.#manager.streams.getMessage(STREAM, { seq });
    const text = message?.header.get(EVENT_ID);
    return text ? Number(text) : undefined;
  }

  async consumers(): Promise<Set<string>> {
    const names = new Set<string>();
    for await (const { name } of this.#manager.consumers.list(STREAM)) {
      names.add(name);
    }
    return names;
  }

  /** Makes the consumer of a node; one that is there stays as it is. */
  async addConsumer({ nodeId, domainId }: ConsumerOf): Promise<void> {
    const form: Partial<ConsumerConfig> = {
      durable_name: consumerOf(nodeId),
      filter_subject: eventSubject(domainId, nodeId),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      deliver_policy: DeliverPolicy.All,
    };
    await this.#manager.consumers.add(STREAM, form);
  }

  async removeConsumer(name: string): Promise<void> {
    await unlessMissing(
      JetStreamApiCodes.ConsumerNotFound,
      () => this.#manager.consumers.delete(STREAM, name),
    );
  }

  /**
   * Publishes an event for a node; one that is there already is not there twice.
   *
   * @returns its sequence in the stream.
   */
  async publish(message: Message): Promise<number> {
    const { nodeId, domainId, sequence, type, data } = message;
    const about = headers();
    about.set(EVENT_ID, String(sequence));
    about.set(EVENT_TYPE, type);
    const { seq } = await this.#client.publish(
      eventSubject(domainId, nodeId),
      data,
      {
        msgID: `${nodeId}.${sequence}`,
        headers: about,
        timeout: ANSWER_TIMEOUT_MS,
        expect: { streamName: STREAM },
      },
    );
    return seq;
  }
}

const FORM: Omit<Partial<StreamConfig>, "name"> = {
  subjects: [STREAM_SUBJECTS],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  max_bytes: STREAM_BYTES,
  max_age: nanos(MAX_AGE_MS),
  // No node crowds others out: one that falls so far behind pulls anyway.
  max_msgs_per_subject: MAX_PER_NODE,
  // What is published again after a crash is still known by its id.
  duplicate_window: nanos(MAX_AGE_MS),
};

async function unlessMissing<T>(
  code: number,
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === code) {
      return undefined;
    }
    throw error;
  }
}
