import type { ListenerStatus } from "../../wire/status.ts";
import type { Listener, Place } from "../listener.ts";

/** Opens a listener. */
export type OpenListener = () => Promise<Listener>;

/** A listener that accepts, and can be given up. */
interface Followed {
  readonly listener: Listener;
  giveUp(error: Error): void;
}

/**
 * Which listeners accept at this moment, how often each was reopened, and what
 * each of them has turned away.
 */
export class OpenListeners {
  readonly #opened = new Map<string, number>();
  readonly #open = new Map<string, Followed>();
  readonly #refused = new Map<string, Record<string, number>>();

  /** All names, in the order they were named in. */
  get names(): readonly string[] {
    return [...this.#opened.keys()];
  }

  /** Names of those that do not accept, in the order they were named in. */
  get closed(): readonly string[] {
    return this.names.filter((name) => !this.#open.has(name));
  }

  /** How often each was opened again after it had failed. */
  get reopened(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#opened].map(([name, times]) => [name, Math.max(0, times - 1)]),
    );
  }

  /** Open connections of each listener whose runtime tells. */
  get connections(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#open].flatMap(([name, { listener: { connections } }]) =>
        connections === undefined ? [] : [[name, connections] as const]
      ),
    );
  }

  /** What the status tells of each. */
  get status(): readonly ListenerStatus[] {
    return this.names.map((name) => ({
      name,
      open: this.#open.has(name),
      connections: this.#open.get(name)?.listener.connections ?? null,
      reopened: Math.max(0, this.#opened.get(name)! - 1),
      refused: { ...this.#refused.get(name) },
    }));
  }

  /** The same opener; what it opens is followed until it ends. */
  followed(name: string, open: OpenListener): OpenListener {
    this.#opened.set(name, 0);
    return async () => {
      const listener = await open();
      this.#opened.set(name, this.#opened.get(name)! + 1);
      const givenUp = Promise.withResolvers<void>();
      const followed = { listener, giveUp: givenUp.reject };
      this.#open.set(name, followed);
      const ended = () => {
        if (this.#open.get(name) === followed) this.#open.delete(name);
      };
      const finished = Promise.race([listener.finished, givenUp.promise]);
      finished.then(ended, ended);
      return {
        finished,
        place: () => listener.place(),
        isListening: () => listener.isListening(),
        close: () => listener.close(),
      };
    };
  }

  /** Has a listener closed with all its connections, and opened again. */
  reopen(name: string, error: Error): void {
    this.#open.get(name)?.giveUp(error);
  }

  /** What is at a listener's place; undefined when it does not accept. */
  place(name: string): Place | undefined {
    return this.#open.get(name)?.listener.place();
  }

  /** Calls `deaf` when nobody listens on an open listener's socket any more. */
  async whenDeaf(name: string, deaf: () => void): Promise<void> {
    const asked = this.#open.get(name);
    if (!asked || await asked.listener.isListening()) return;
    if (this.#open.get(name) === asked) deaf();
  }

  /** A listener has turned a connection or a request away. */
  refused(name: string, reason: string): void {
    const counts = this.#refused.get(name) ?? {};
    counts[reason] = (counts[reason] ?? 0) + 1;
    this.#refused.set(name, counts);
  }
}
