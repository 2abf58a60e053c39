import { isoTime } from "../platform/clock.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { SnapshotRef } from "../store/snapshot_pointer.ts";
import type { Degraded } from "./degraded.ts";

/** Options for {@linkcode SnapshotLifetime}. */
export interface SnapshotLifetimeOptions {
  /** The snapshot that is active at the start. */
  readonly active?: SnapshotRef;
  /** Asks for a pull. */
  readonly pull: (reason: string) => void;
  readonly degraded: Degraded;
  readonly io: Platform;
}

/** Refresh is due at this share of the lifetime, give or take a tenth of it. */
const REFRESH_AT = 2 / 3;
const JITTER = 0.1;

/** Looked again at least this often: wall time may jump. */
const LONGEST_SLEEP_MS = 60_000;

/**
 * Knows how long the active snapshot holds: asks for the next one in time, and
 * shows when none came.
 *
 * @see design, section 8 "Signed snapshots"
 */
export class SnapshotLifetime implements Part {
  readonly name = "snapshot_lifetime";
  readonly #options: SnapshotLifetimeOptions;
  #active: SnapshotRef | undefined;
  #refreshDueMs = Infinity;
  #asked = false;
  #wake: (() => void) | undefined;

  constructor(options: SnapshotLifetimeOptions) {
    this.#options = options;
    if (!options.active) return;
    this.#follow(options.active);
    this.#showExpiry();
  }

  get active(): SnapshotRef | undefined {
    return this.#active;
  }

  /** Ms since the Unix epoch; undefined while there is no snapshot. */
  get refreshDueMs(): number | undefined {
    return this.#active && this.#refreshDueMs;
  }

  get isExpired(): boolean {
    const { clock } = this.#options.io;
    return this.#active !== undefined &&
      clock.now() >= this.#active.expiresAtMs;
  }

  /** Another snapshot is active now. */
  activated(ref: SnapshotRef): void {
    this.#follow(ref);
    this.#showExpiry();
    this.#wake?.();
  }

  #follow(ref: SnapshotRef) {
    const { random } = this.#options.io;
    const { issuedAtMs, expiresAtMs } = ref;
    const share = REFRESH_AT * (1 - JITTER + 2 * JITTER * random.unit());
    this.#active = ref;
    this.#refreshDueMs = issuedAtMs + (expiresAtMs - issuedAtMs) * share;
    this.#asked = false;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.io;
    while (!signal.aborted) {
      this.#askInTime();
      this.#showExpiry();
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      try {
        await clock.sleep(
          this.#untilNextMs(),
          AbortSignal.any([signal, woken.signal]),
        );
      } catch {
        // Woken, or stopped.
      } finally {
        this.#wake = undefined;
      }
    }
  }

  #untilNextMs(): number {
    const nowMs = this.#options.io.clock.now();
    const marks = [this.#refreshDueMs, this.#active?.expiresAtMs ?? Infinity]
      .filter((atMs) => atMs > nowMs);
    return Math.min(LONGEST_SLEEP_MS, ...marks.map((atMs) => atMs - nowMs));
  }

  #askInTime() {
    const { io, pull } = this.#options;
    const isDue = this.#active && io.clock.now() >= this.#refreshDueMs;
    if (!isDue || this.#asked) return;
    // The reconciler goes on trying by itself.
    this.#asked = true;
    pull("the signed state is due for refresh");
  }

  #showExpiry() {
    const { degraded } = this.#options;
    if (!this.#active) return;
    if (this.isExpired) {
      const at = isoTime(this.#active.expiresAtMs);
      const detail = `the signed state expired at ${at}`;
      degraded.raise("snapshot_expired", { detail });
    } else {
      degraded.clear("snapshot_expired");
    }
  }
}
