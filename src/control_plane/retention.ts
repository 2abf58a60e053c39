import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { Storage } from "./storage/storage.ts";

/** A node that was away for longer pulls its state anyway. */
const EVENTS_KEPT_MS = 7 * 24 * 60 * 60_000;
const EVERY_MS = 60 * 60_000;

const AUDIT_KEPT_MS = 30 * 24 * 60 * 60_000;
/** Each pull leaves one: some thousand nodes make millions a day. */
const MAX_AUDIT_ROWS = 1_000_000;

/**
 * Counted from the use of a token, else from its expiry: operators see for that
 * long what became of it, and whoever tries it again hears just that; then it is
 * unknown. Far above the ten minutes in which a registration may be repeated.
 */
const TOKENS_KEPT_MS = 30 * 24 * 60 * 60_000;

/**
 * Removes what nobody will ask for any more: events, sessions, audit rows, and
 * tokens that are used up.
 */
export class Retention implements Part {
  readonly name = "retention";
  readonly #storage: Storage;
  readonly #io: Platform;

  constructor(storage: Storage, io: Platform) {
    this.#storage = storage;
    this.#io = io;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#io;
    while (!signal.aborted) {
      try {
        const oldest = clock.now() - EVENTS_KEPT_MS;
        const removed = await this.#storage.write(async (rows) => {
          await rows.sessions.prune(clock.now());
          await rows.tokens.prune(clock.now() - TOKENS_KEPT_MS);
          // In dialect 2 a pull does not tell the keys: only these events do.
          await rows.audit.prune(clock.now() - AUDIT_KEPT_MS, MAX_AUDIT_ROWS);
          return await rows.events.prune(oldest, "signing_key_rotated");
        });
        if (removed > 0) log.info("Old events removed", { removed });
      } catch (error) {
        log.error("Old events not removed", { error });
      }
      await clock.sleep(EVERY_MS, signal).catch(() => {});
    }
  }
}
