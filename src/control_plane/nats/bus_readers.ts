import type { BusReader } from "../storage/bus_readers.ts";
import type { StoredEvent } from "../storage/storage.ts";

/** The nodes that read from the bus, found by what an event is for. */
export class BusReaders {
  readonly #byId = new Map<string, BusReader>();
  readonly #byDomain = new Map<string, Set<string>>();

  get size(): number {
    return this.#byId.size;
  }

  get(nodeId: string): BusReader | undefined {
    return this.#byId.get(nodeId);
  }

  all(): BusReader[] {
    return [...this.#byId.values()];
  }

  put(reader: BusReader): void {
    this.#byId.set(reader.nodeId, reader);
    const { domainId } = reader;
    const ofDomain = this.#byDomain.get(domainId) ?? new Set();
    this.#byDomain.set(domainId, ofDomain.add(reader.nodeId));
  }

  remove(nodeId: string): void {
    const reader = this.#byId.get(nodeId);
    if (!reader) return;
    this.#byId.delete(nodeId);
    const ofDomain = this.#byDomain.get(reader.domainId);
    ofDomain?.delete(nodeId);
    if (ofDomain?.size === 0) this.#byDomain.delete(reader.domainId);
  }

  /** Whom an event is for. */
  of(event: StoredEvent): BusReader[] {
    const ids = event.nodeId === undefined
      ? this.#byDomain.get(event.domainId) ?? []
      : [event.nodeId];
    return [...ids]
      .filter((id) => id !== event.exceptNodeId)
      .map((id) => this.#byId.get(id))
      .filter((reader) => reader !== undefined)
      .filter(({ since }) => event.sequence > since);
  }
}
