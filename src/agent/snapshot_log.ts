import type { Logger } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import { processFigures } from "../platform/process_figures.ts";
import { scrub } from "../platform/scrub.ts";
import type { StatusDocument } from "../wire/status.ts";

/** Who asks for a snapshot of the running agent. */
export interface SnapshotPort {
  /**
   * Calls `listener` each time that somebody asks for it.
   *
   * @returns what ends the calls.
   */
  onRequest(listener: () => void): () => void;
}

/** Sections of the status that go into a log: all of them are without values. */
const SECTIONS = [
  "version",
  "started_at",
  "cluster",
  "node_id",
  "status",
  "since",
  "reasons",
  "stale",
  "verified_at",
  "stream",
  "events",
  "pull",
  "state",
  "signed_state",
  "sync",
  "contact",
  "store",
  "agent",
  "tasks",
  "telemetry",
] as const satisfies readonly (keyof StatusDocument)[];

/** Options for {@linkcode SnapshotLog}. */
export interface SnapshotLogOptions {
  readonly port: SnapshotPort;
  /** Secrets in use, which a quoted error might repeat. */
  readonly secrets: () => readonly string[];
  readonly log: Logger;
}

/**
 * Writes into the log how the agent is, when it is asked to, for the moment in
 * which its sockets do not answer any more: from a list of what may be told, and
 * without secrets.
 */
export class SnapshotLog implements Disposable {
  readonly #options: SnapshotLogOptions;
  readonly #ignore: () => void;
  #status: (() => StatusDocument) | undefined;
  /** Names of the parts that have begun and not ended. */
  readonly #open = new Set<string>();

  constructor(options: SnapshotLogOptions) {
    this.#options = options;
    this.#ignore = options.port.onRequest(() => this.#write());
  }

  /**
   * Sees the parts of a node for as long as they run.
   *
   * @returns the same parts, to be run in their place.
   */
  watch(
    parts: readonly Part[],
    status: () => StatusDocument,
  ): readonly Part[] {
    this.#status = status;
    return parts.map((part) => ({
      name: part.name,
      run: async (signal) => {
        this.#open.add(part.name);
        try {
          await part.run(signal);
        } finally {
          this.#open.delete(part.name);
        }
      },
    }));
  }

  [Symbol.dispose](): void {
    this.#ignore();
  }

  #write() {
    const { log, secrets } = this.#options;
    const status = this.#status?.();
    const told = {
      process: processFigures(),
      open_parts: [...this.#open].sort(),
      status: status && Object.fromEntries(
        SECTIONS.map((name) => [name, status[name]]),
      ),
    };
    const text = scrub(JSON.stringify(told), secrets());
    // As a warning, so that it is written whatever level is usual.
    log.warn("Snapshot of the agent", JSON.parse(text));
  }
}
