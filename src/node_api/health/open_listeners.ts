import type { Listener } from "../listener.ts";

/** Opens a listener. */
export type OpenListener = () => Promise<Listener>;

/** Which listeners accept at this moment, and how often each was reopened. */
export class OpenListeners {
  readonly #opened = new Map<string, number>();
  readonly #open = new Map<string, Listener>();

  /** Names of those that do not accept, in the order they were named in. */
  get closed(): readonly string[] {
    return [...this.#opened.keys()].filter((name) => !this.#open.has(name));
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
      [...this.#open].flatMap(([name, { connections }]) =>
        connections === undefined ? [] : [[name, connections] as const]
      ),
    );
  }

  /** The same opener; what it opens is followed until it ends. */
  followed(name: string, open: OpenListener): OpenListener {
    this.#opened.set(name, 0);
    return async () => {
      const listener = await open();
      this.#opened.set(name, this.#opened.get(name)! + 1);
      this.#open.set(name, listener);
      const ended = () => {
        if (this.#open.get(name) === listener) this.#open.delete(name);
      };
      listener.finished.then(ended, ended);
      return listener;
    };
  }
}
