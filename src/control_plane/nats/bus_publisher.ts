import type { Platform } from "../../platform/platform.ts";
import type { EventSigner } from "../event_signer.ts";
import type { BusReader } from "../storage/bus_readers.ts";
import type { Storage, StoredEvent } from "../storage/storage.ts";
import { MAX_AGE_MS } from "./bus_names.ts";
import type { BusReaders } from "./bus_readers.ts";
import type { BusStream } from "./bus_stream.ts";
import {
  loadPosition,
  type PublishedPosition,
  savePosition,
} from "./published_position.ts";

/** Events read from storage at a time. */
const BATCH = 256;

/** Messages on their way at a time, each to another node. */
const MAX_UNDER_WAY = 512;

/** Options for {@linkcode BusPublisher}. */
export interface BusPublisherOptions {
  readonly storage: Storage;
  readonly signer: EventSigner;
  readonly readers: BusReaders;
  /** Names the history that sequences count in. */
  readonly epoch: number;
  readonly io: Platform;
}

/** What has become of events. */
export interface PublishedCounts {
  /** Messages that the bus has taken; one event can be many. */
  published: number;
  /** Events that were too old when the bus came back. */
  skipped: number;
  /** Messages that were too large for the server. */
  tooLarge: number;
}

/**
 * Brings events from storage to the bus, for the nodes that read there: each one
 * at least once, and in its order for each node. What is published again is
 * known by its id within the time that anything stays on the bus.
 */
export class BusPublisher {
  readonly #options: BusPublisherOptions;
  readonly counts: PublishedCounts = { published: 0, skipped: 0, tooLarge: 0 };
  #position: PublishedPosition | undefined;

  constructor(options: BusPublisherOptions) {
    this.#options = options;
  }

  /** Sequence of the last event that is done with; undefined before the bus was there. */
  get sequence(): number | undefined {
    return this.#position?.sequence;
  }

  /** Whether a stream that is there holds what this history put there. */
  async knowsStream(): Promise<boolean> {
    const { storage, epoch } = this.#options;
    return (await loadPosition(storage))?.epoch === epoch;
  }

  /** Finds out where to go on in a stream. */
  async resume(stream: BusStream): Promise<void> {
    const { storage, epoch, io } = this.#options;
    const { created, lastSequence } = stream;
    const known = await loadPosition(storage);
    const isSame = known?.epoch === epoch && known.stream_created === created;
    if (isSame && known.stream_sequence <= lastSequence) {
      this.#position = known;
      return;
    }
    const sequence = isSame
      ? await this.#afterCrash(stream, known)
      : await this.#inNewStream(known);
    if (known) {
      io.log.warn(
        "The message bus may have lost events: they are published again",
        {
          after: sequence,
          up_to: known.sequence,
        },
      );
    }
    this.#position = {
      epoch,
      sequence,
      stream_created: created,
      stream_sequence: lastSequence,
    };
    await savePosition(storage, this.#position);
  }

  /** A crash took the newest messages, though they were acknowledged. */
  async #afterCrash(
    stream: BusStream,
    known: PublishedPosition,
  ): Promise<number> {
    const last = await stream.lastEvent();
    // Of an event for many nodes only some messages may be left.
    return last === undefined
      ? await this.#inNewStream(known)
      : Math.min(known.sequence, last - 1);
  }

  /** Nothing is there: what may still be wanted is. */
  async #inNewStream(known: PublishedPosition | undefined): Promise<number> {
    const { storage, io } = this.#options;
    return await storage.read(async ({ events }) =>
      known === undefined ? await events.lastSequence() : Math.min(
        known.sequence,
        await events.lastSequenceBefore(io.clock.now() - MAX_AGE_MS),
      )
    );
  }

  /**
   * Publishes the next events; {@linkcode resume} comes first.
   *
   * @returns whether there were any.
   */
  async publishNext(stream: BusStream): Promise<boolean> {
    const { storage } = this.#options;
    const position = this.#position!;
    const events = await storage.read(async (rows) =>
      await rows.events.allAfter(position.sequence, BATCH)
    );
    const last = events.at(-1);
    if (!last) return false;
    const newest = await this.#publish(events, stream);
    const next = { ...position, sequence: last.sequence };
    if (newest > 0) next.stream_sequence = newest;
    // What was published to nobody can be looked at again.
    if (newest > 0) await savePosition(storage, next);
    this.#position = next;
    return true;
  }

  /** @returns the sequence of the newest message in the stream; 0 for none. */
  async #publish(
    events: readonly StoredEvent[],
    stream: BusStream,
  ): Promise<number> {
    let newest = 0;
    // No node is twice in what is under way: its order would be the network's.
    const underWay = new Map<string, Promise<number>>();
    const arrive = async () => {
      const all = [...underWay.values()];
      underWay.clear();
      newest = Math.max(newest, ...await Promise.all(all));
    };
    try {
      for (const event of events) {
        if (this.#isTooOld(event)) continue;
        for (const reader of this.#options.readers.of(event)) {
          const isTaken = underWay.has(reader.nodeId);
          if (isTaken || underWay.size >= MAX_UNDER_WAY) await arrive();
          underWay.set(reader.nodeId, this.#send(event, reader, stream));
        }
      }
      await arrive();
    } finally {
      await Promise.allSettled(underWay.values());
    }
    return newest;
  }

  /** Key changes never are: nothing else tells them to a node of dialect 2. */
  #isTooOld({ type, createdAtMs }: StoredEvent): boolean {
    const isTooOld = type !== "signing_key_rotated" &&
      createdAtMs < this.#options.io.clock.now() - MAX_AGE_MS;
    if (isTooOld) this.counts.skipped++;
    return isTooOld;
  }

  /** @returns its sequence in the stream; 0 for one that was not sent. */
  async #send(
    event: StoredEvent,
    { nodeId, domainId, dialect }: BusReader,
    stream: BusStream,
  ): Promise<number> {
    const { signer, io } = this.#options;
    const { sequence } = event;
    const sent = await signer.sent(event, dialect);
    if (!sent) return 0;
    const { type, data } = sent;
    if (data.length > stream.maxBytes) {
      this.counts.tooLarge++;
      io.log.warn("An event is too large for the message bus", {
        sequence,
        type,
        bytes: data.length,
      });
      return 0;
    }
    const message = { nodeId, domainId, sequence, type, data };
    const newest = await stream.publish(message);
    this.counts.published++;
    return newest;
  }
}
