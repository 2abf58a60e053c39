import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import type { EventType } from "../wire/event_types.ts";
import type { Audience, EventFanOut } from "./event_fan_out.ts";
import type { Rows, Storage } from "./storage/storage.ts";

/** Types that this server sends. */
export type SentEventType =
  | EventType
  | "bridge_config_updated"
  | "reachability_changed";

/** What happened, for whom. */
export interface NewEvent extends Audience {
  readonly type: SentEventType;
  /** JSON text without line breaks. */
  readonly payload: string;
}

export type Emit = (event: NewEvent) => Promise<void>;

/** Options for {@linkcode Changes}. */
export interface ChangesOptions {
  readonly storage: Storage;
  readonly fanOut: EventFanOut;
  readonly io: Platform;
}

/**
 * The only way to change what nodes see: a change and its events are one
 * transaction, so no event is lost or invented, and streams hear of it when it
 * is on disk.
 */
export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` as one transaction.
   *
   * Events that it emits carry the signing key that is current at that moment.
   *
   * @throws {StorageError} and whatever `work` throws; nothing happened then.
   */
  async make<T>(work: (rows: Rows, emit: Emit) => Promise<T>): Promise<T> {
    const { storage, fanOut, io } = this.#options;
    const audiences: Audience[] = [];
    const result = await storage.write((rows) =>
      work(rows, async (event) => {
        const key = await rows.signingKeys.current();
        if (!key) throw new Error("There is no signing key");
        await rows.events.append({
          ...event,
          exceptNodeId: event.exceptNodeId,
          id: uuidV7(io.clock, io.random),
          signingKeyId: key.id,
          createdAtMs: io.clock.now(),
        });
        audiences.push(event);
      })
    );
    for (const audience of audiences) fanOut.announce(audience);
    return result;
  }
}
