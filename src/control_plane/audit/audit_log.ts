import type { Part } from "../../platform/part.ts";
import type { Platform } from "../../platform/platform.ts";
import type { AuditSink } from "../gates/ports.ts";
import type { AuditRow, Storage } from "../storage/storage.ts";

/** Rows that wait for the database; beyond it the newest are counted as lost. */
const MAX_WAITING = 10_000;

/** A database that refuses is not asked again at once. */
const RETRY_MS = 1_000;

/** How often something came out. Both names are of this program: a few. */
export interface AuditedOutcome {
  readonly relation: string;
  readonly outcome: string;
  readonly count: number;
}

/**
 * Writes audit rows of nodes' calls, many in one transaction: a pull must not
 * wait for the disk, and five thousand of them must not mean as many syncs.
 *
 * A row is lost when the server is killed within the moment that it waits; the
 * answer that it tells of may have been sent.
 */
export class AuditLog implements AuditSink, Part {
  readonly name = "audit";
  readonly #storage: Storage;
  readonly #io: Platform;
  #waiting: AuditRow[] = [];
  #lost = 0;
  #newlyLost = 0;
  readonly #outcomes = new Map<string, AuditedOutcome>();
  #wake = Promise.withResolvers<void>();
  #writing: Promise<void> = Promise.resolve();

  constructor(storage: Storage, io: Platform) {
    this.#storage = storage;
    this.#io = io;
  }

  /** How many rows could not be kept so far. */
  get lost(): number {
    return this.#lost;
  }

  /** How many rows were offered so far, by what they tell. */
  get outcomes(): AuditedOutcome[] {
    return [...this.#outcomes.values()];
  }

  offer(row: Omit<AuditRow, "atMs">): void {
    const { relation, outcome } = row;
    const key = `${relation} ${outcome}`;
    const count = (this.#outcomes.get(key)?.count ?? 0) + 1;
    this.#outcomes.set(key, { relation, outcome, count });
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lost++;
      this.#newlyLost++;
      return;
    }
    this.#waiting.push({ ...row, atMs: this.#io.clock.now() });
    this.#wake.resolve();
  }

  /** Resolves when what was offered so far is written, or could not be. */
  async flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async run(signal: AbortSignal): Promise<void> {
    // No race with one promise for all rounds: it would remember each of them.
    signal.addEventListener("abort", () => this.#wake.resolve(), {
      once: true,
    });
    while (!signal.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      await this.flush();
      if (this.#waiting.length === 0) continue;
      await this.#io.clock.sleep(RETRY_MS, signal).catch(() => {});
      this.#wake.resolve();
    }
    await this.flush();
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const rows = this.#waiting;
    this.#waiting = [];
    try {
      await this.#storage.write(async ({ audit }) => {
        for (const row of rows) await audit.add(row);
      });
    } catch (error) {
      this.#waiting = [...rows, ...this.#waiting];
      this.#io.log.error("Audit rows not written", {
        waiting: this.#waiting.length,
        error,
      });
      return;
    }
    if (this.#newlyLost === 0) return;
    this.#io.log.error("Audit rows lost", { lost: this.#newlyLost });
    this.#newlyLost = 0;
  }
}
