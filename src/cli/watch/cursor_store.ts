import * as z from "zod/mini";
import { type Clock, isoTime } from "../../platform/clock.ts";
import { readIfThere, systemDisk } from "../../store/disk.ts";
import { replaceUnderLock, underShortLock } from "../../store/short_lock.ts";
import { parseShape, ShapeError } from "../../wire/shape_error.ts";

/** Most cursors that are kept; the one longest unused gives way. */
export const MOST_CURSORS = 256;

/** A cursor that nobody has used for so long is dropped. */
export const UNUSED_MS = 30 * 24 * 60 * 60 * 1_000;

const fileSchema = z.object({
  format: z.literal(1),
  cursors: z.record(
    z.string(),
    z.object({ position: z.string(), used_at: z.string() }),
  ),
});

type Cursors = z.output<typeof fileSchema>["cursors"];

/** Whose place in which stream. */
export interface CursorName {
  /** Of the node: one that joins anew begins anew. */
  readonly membership: string;
  readonly consumer: string;
  /** What is watched: another filter is another stream. */
  readonly channel: string;
}

/**
 * One text for each name, and no other name has the same: the separator is
 * percent-encoded within the parts.
 */
export function cursorKey(
  { membership, consumer, channel }: CursorName,
): string {
  return [membership, consumer, channel].map(encodeURIComponent).join(":");
}

/**
 * Where consumers have stopped, in one file of the user who runs the command:
 * the membership's folder belongs to the agent alone. A file that cannot be
 * read is begun anew, after which consumers are new ones.
 */
export class CursorStore {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #damaged: (what: string) => void;

  /** @param damaged Hears when what was remembered is lost. */
  constructor(
    folder: string,
    clock: Clock,
    damaged: (what: string) => void = () => {},
  ) {
    this.#folder = folder;
    this.#clock = clock;
    this.#damaged = damaged;
  }

  /**
   * The position of a consumer, which counts as used now; undefined for a new
   * one.
   *
   * @throws {Error} of the system.
   */
  use(name: CursorName): string | undefined {
    return underShortLock(this.#folder, () => {
      const cursors = this.#read();
      const position = cursors[cursorKey(name)]?.position;
      if (position !== undefined) this.#write(cursors, name, position);
      return position;
    });
  }

  /**
   * Remembers a position. Durable once it returns.
   *
   * @throws {Error} of the system.
   */
  save(name: CursorName, position: string): void {
    underShortLock(
      this.#folder,
      () => this.#write(this.#read(), name, position),
    );
  }

  get #path(): string {
    return `${this.#folder}/cursors.json`;
  }

  #read(): Cursors {
    const bytes = readIfThere(systemDisk, this.#path);
    if (!bytes) return {};
    try {
      const text = new TextDecoder().decode(bytes);
      const { cursors } = parseShape("cursors", fileSchema, text);
      const now = this.#clock.now();
      return Object.fromEntries(
        Object.entries(cursors).filter(([, { used_at }]) =>
          now - Date.parse(used_at) <= UNUSED_MS
        ),
      );
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      this.#damaged(`${this.#path}: ${error.message}`);
      return {};
    }
  }

  #write(cursors: Cursors, name: CursorName, position: string) {
    const own = cursorKey(name);
    const others = Object.entries(cursors)
      .filter(([key]) => key !== own)
      .sort(([, a], [, b]) => a.used_at < b.used_at ? 1 : -1)
      .slice(0, MOST_CURSORS - 1);
    const used_at = isoTime(this.#clock.now());
    const kept = [[own, { position, used_at }], ...others];
    const text = JSON.stringify({
      format: 1,
      cursors: Object.fromEntries(kept),
    });
    const bytes = new TextEncoder().encode(`${text}\n`);
    replaceUnderLock(systemDisk, this.#path, bytes);
  }
}
