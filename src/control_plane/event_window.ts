import type { Storage, StoredEvent } from "./storage/storage.ts";

/** Events read from storage at a time, of all nodes. */
const READ = 256;

/** Events given to a stream at a time: few, since each of them can be large. */
const BATCH = 16;

/** What is kept for streams that follow; beyond it they read from storage. */
const MAX_EVENTS = 4_096;
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** Whose events. */
export interface Reader {
  readonly nodeId: string;
  readonly domainId: string;
}

/** Events for one node, oldest first. */
export interface EventBatch {
  readonly events: StoredEvent[];
  /** There is nothing else for the node up to this sequence. */
  readonly upTo: number;
}

/**
 * The newest events, read once for all streams: a change that a whole domain is
 * told of must not mean one read for each of its nodes.
 *
 * What is kept has no gaps, and follows storage whenever somebody says that there
 * may be more.
 */
export class EventWindow {
  readonly #storage: Storage;
  readonly #ofNode = new Map<string, StoredEvent[]>();
  readonly #ofDomain = new Map<string, StoredEvent[]>();
  #events: StoredEvent[] = [];
  #characters = 0;
  /** What is kept begins after this sequence; undefined before the first read. */
  #from: number | undefined;
  /** And ends with this one. */
  #to = 0;
  #isBehind = true;
  #following: Promise<void> | undefined;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Storage may have more: called before a stream looks for it. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** The next events for a node after a sequence, from memory where they are. */
  async after(sequence: number, reader: Reader): Promise<EventBatch> {
    while (this.#isBehind || this.#following) {
      await (this.#following ??= this.#follow());
    }
    return sequence < this.#from!
      ? await this.#stored(sequence, reader)
      : this.#kept(sequence, reader);
  }

  async #stored(sequence: number, reader: Reader): Promise<EventBatch> {
    return await this.#storage.read(async ({ events }) => {
      const found = await events.after(sequence, reader, BATCH);
      return {
        events: found,
        upTo: found.length < BATCH
          ? await events.lastSequence()
          : found.at(-1)!.sequence,
      };
    });
  }

  #kept(sequence: number, { nodeId, domainId }: Reader): EventBatch {
    const own = this.#ofNode.get(nodeId) ?? [];
    const shared = this.#ofDomain.get(domainId) ?? [];
    const found: StoredEvent[] = [];
    let ownAt = firstAfter(own, sequence);
    let sharedAt = firstAfter(shared, sequence);
    while (found.length < BATCH) {
      const mine = own[ownAt];
      const ours = shared[sharedAt];
      if (ours && (!mine || ours.sequence < mine.sequence)) {
        sharedAt++;
        if (ours.exceptNodeId !== nodeId) found.push(ours);
      } else if (mine) {
        ownAt++;
        found.push(mine);
      } else return { events: found, upTo: this.#to };
    }
    return { events: found, upTo: found.at(-1)!.sequence };
  }

  async #follow() {
    try {
      while (this.#isBehind) {
        // Before reading: what comes meanwhile is read by another round.
        this.#isBehind = false;
        await this.#readMore().catch((error) => {
          this.#isBehind = true;
          throw error;
        });
      }
    } finally {
      this.#following = undefined;
    }
  }

  async #readMore() {
    const { from, last, events } = await this.#storage.read(async (rows) => {
      const last = await rows.events.lastSequence();
      const from = this.#from === undefined ? last : this.#to;
      return { from, last, events: await rows.events.allAfter(from, READ) };
    });
    this.#from ??= from;
    for (const event of events) this.#keep(event);
    this.#to = events.length < READ ? last : events.at(-1)!.sequence;
    if (events.length === READ) this.#isBehind = true;
    if (
      this.#events.length > MAX_EVENTS || this.#characters > MAX_CHARACTERS
    ) this.#forget();
  }

  #keep(event: StoredEvent) {
    this.#events.push(event);
    this.#characters += event.payload.length;
    const [index, id] = this.#placeOf(event);
    const list = index.get(id);
    if (list) list.push(event);
    else index.set(id, [event]);
  }

  /** The older half, so that it is not done for every event. */
  #forget() {
    const keep = MAX_CHARACTERS / 2;
    const half = this.#events.length >> 1;
    let count = 0;
    while (
      count < this.#events.length && (count < half || this.#characters > keep)
    ) {
      const event = this.#events[count++]!;
      this.#characters -= event.payload.length;
      const [index, id] = this.#placeOf(event);
      const list = index.get(id)!;
      list.shift();
      if (list.length === 0) index.delete(id);
      this.#from = event.sequence;
    }
    this.#events = this.#events.slice(count);
  }

  #placeOf(
    { nodeId, domainId }: StoredEvent,
  ): [index: Map<string, StoredEvent[]>, id: string] {
    return nodeId === undefined
      ? [this.#ofDomain, domainId]
      : [this.#ofNode, nodeId];
  }
}

/** Where in an ascending list the first event after a sequence is. */
function firstAfter(events: readonly StoredEvent[], sequence: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]!.sequence > sequence) high = middle;
    else low = middle + 1;
  }
  return low;
}
