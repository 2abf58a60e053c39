import { setImmediate } from "node:timers";
import * as z from "zod/mini";
import { isoTime } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import { scrub } from "../platform/scrub.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import {
  type Carrier,
  LONGEST_REASON_BYTES,
  type Transition,
  transitionSchema,
  type TransitionType,
} from "../wire/transitions.ts";
import { readIfThere } from "./disk.ts";
import type { RecoveryListener } from "./recovery.ts";
import { replaceFile } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { checkSum, withSum } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** Path of the ring, below the membership's folder. */
export const TRANSITIONS_FILE = "health/transitions.json";

/** What is known of a transition beside its type and time. */
export interface TransitionDetails {
  /** Scrubbed and cut to 256 bytes, whatever it is. */
  readonly reason?: string;
  readonly carrier?: Carrier;
}

/** Takes transitions; whoever sees one tells it here. */
export interface Transitions {
  /** Never throws and never waits. */
  note(type: TransitionType, details?: TransitionDetails): void;
}

const ringSchema = z.object({
  format: z.literal(1),
  transitions: z.array(transitionSchema),
});

/**
 * The latest transitions of the agent, over its restarts. Writing them holds
 * nobody up: those of one moment share a write, and a crash may take the very
 * last.
 */
export class TransitionRing implements Transitions {
  readonly #context: Omit<StoreContext, "recovered">;
  readonly #secrets: string[] = [];
  #entries: readonly Transition[] = [];
  #written: readonly Transition[] = this.#entries;
  #isOpen = false;
  #writing: Promise<void> | undefined;

  /** @param capacity Transitions that are kept at most. */
  constructor(
    context: Omit<StoreContext, "recovered">,
    readonly capacity: number,
  ) {
    this.#context = context;
  }

  /** Oldest first. A list that later transitions do not change. */
  get entries(): readonly Transition[] {
    return this.#entries;
  }

  /** Reads what is stored. A damaged ring is begun anew, and that is told. */
  load(recovered: RecoveryListener): void {
    const { disk, root, damaged } = this.#context;
    try {
      const bytes = readIfThere(disk, `${root}/${TRANSITIONS_FILE}`);
      if (!bytes) return;
      const stored = decodeTransitions(bytes).slice(-this.capacity);
      // What opening the store has brought so far comes after it.
      const noted = this.#entries;
      this.#entries = [...stored, ...noted].slice(-this.capacity);
      if (noted.length === 0) this.#written = this.#entries;
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = describeError(error);
      const action = `${damaged.setAside(TRANSITIONS_FILE)}; it is begun anew`;
      recovered({ file: TRANSITIONS_FILE, what, action });
    }
  }

  /** A credential in use: no reason will hold it. */
  hide(secret: string): void {
    // The same identity and credentials again, whenever parts begin anew.
    if (!this.#secrets.includes(secret)) this.#secrets.push(secret);
  }

  /** It has been out of use for long: a list of them must not grow for ever. */
  forget(secret: string): void {
    const at = this.#secrets.indexOf(secret);
    if (at >= 0) this.#secrets.splice(at, 1);
  }

  note(
    type: TransitionType,
    { reason, carrier }: TransitionDetails = {},
  ): void {
    const entry = {
      type,
      at: isoTime(this.#context.clock.now()),
      ...(reason ? { reason: brief(scrub(reason, this.#secrets)) } : {}),
      ...(carrier ? { carrier } : {}),
    };
    this.#entries = [...this.#entries, entry].slice(-this.capacity);
    if (this.#isOpen) this.#writing ??= this.#write();
  }

  /** The store is open: writes what has been noted meanwhile. */
  opened(): void {
    this.#isOpen = true;
    if (this.#entries !== this.#written) this.#writing ??= this.#write();
  }

  /** Takes nothing more to disk, and resolves when all it had is there. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { disk, temp, folders, log } = this.#context;
    try {
      // One turn of the event loop: what is noted together comes along.
      await new Promise<void>((resolve) => setImmediate(resolve));
      while (this.#entries !== this.#written) {
        const transitions = this.#entries;
        const text = JSON.stringify({ format: 1, transitions });
        const target = folders.target(TRANSITIONS_FILE);
        await replaceFile(disk, temp, target, withSum(text).bytes);
        this.#written = transitions;
      }
    } catch (error) {
      // The next transition comes with all that are missing on disk.
      log.debug("Transitions not stored", { error: describeError(error) });
    } finally {
      this.#writing = undefined;
    }
  }
}

/** One line, and no more than fits. */
function brief(reason: string): string {
  const line = reason.toWellFormed().replace(/\p{Cc}+/gu, " ");
  const room = new Uint8Array(LONGEST_REASON_BYTES);
  // Stops before a character that does not fit as a whole.
  return line.slice(0, new TextEncoder().encodeInto(line, room).read);
}

/** @throws {ShapeError} unless every byte is as it was written. */
export function decodeTransitions(
  bytes: Uint8Array<ArrayBuffer>,
): readonly Transition[] {
  const checked = checkSum(bytes);
  if (!checked) throw new ShapeError("its sum is wrong");
  return parseShape("transitions", ringSchema, checked.text).transitions;
}
