/** Whom an event is for: one node, every node of a domain, or all but one. */
export interface Audience {
  readonly domainId: string;
  readonly nodeId: string | undefined;
  /** Beside a domain: the node that the event is about, which knows already. */
  readonly exceptNodeId?: string;
}

/**
 * Tells open streams that there is something new for them. The events
 * themselves are read from storage, so telling twice or too often does no harm.
 *
 * An interface, so that a message bus can tell streams of other processes.
 */
export interface EventFanOut {
  /** Called after the change is on disk. */
  announce(audience: Audience): void;
  /** @returns what ends the subscription. */
  subscribe(
    node: { readonly nodeId: string; readonly domainId: string },
    wake: () => void,
  ): () => void;
  /** For one that takes the events of all. @returns what ends it. */
  subscribeToAll(wake: () => void): () => void;
}

/** Fan-out within one process. */
export class LocalFanOut implements EventFanOut {
  readonly #byNode = new Map<string, Set<() => void>>();
  readonly #byDomain = new Map<string, Set<() => void>>();
  readonly #ofAll = new Set<() => void>();

  announce({ domainId, nodeId }: Audience): void {
    const wakers = nodeId === undefined
      ? this.#byDomain.get(domainId)
      : this.#byNode.get(nodeId);
    for (const wake of wakers ?? []) wake();
    for (const wake of this.#ofAll) wake();
  }

  subscribeToAll(wake: () => void): () => void {
    this.#ofAll.add(wake);
    return () => this.#ofAll.delete(wake);
  }

  subscribe(
    { nodeId, domainId }: { nodeId: string; domainId: string },
    wake: () => void,
  ): () => void {
    add(this.#byNode, nodeId, wake);
    add(this.#byDomain, domainId, wake);
    return () => {
      remove(this.#byNode, nodeId, wake);
      remove(this.#byDomain, domainId, wake);
    };
  }
}

type Index = Map<string, Set<() => void>>;

function add(index: Index, id: string, wake: () => void) {
  const wakers = index.get(id) ?? new Set();
  index.set(id, wakers.add(wake));
}

function remove(index: Index, id: string, wake: () => void) {
  const wakers = index.get(id);
  wakers?.delete(wake);
  if (wakers?.size === 0) index.delete(id);
}
