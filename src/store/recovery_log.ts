import * as z from "zod/mini";
import { isoTime } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import type { Recovery, RecoveryListener } from "./recovery.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { checkSum, withSum } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** Path of the list, below the membership's folder. */
export const RECOVERIES_FILE = "health/recoveries.json";

/** Recoveries that are kept; the oldest give way. */
const MAX_KEPT = 256;

/** Characters of a text that are kept. */
const LONGEST_TEXT = 500;

/** A repair, and when it was done. */
export interface RecoveryRecord extends Recovery {
  /** RFC 3339 text. */
  readonly at: string;
}

const logSchema = z.object({
  format: z.literal(1),
  recoveries: z.array(z.object({
    at: z.string(),
    file: z.string(),
    what: z.string(),
    action: z.string(),
  })),
});

/**
 * Remembers the latest repairs, newest last. Opening a store can bring many of
 * them, so they are written once, when it is open; later ones at once.
 */
export class RecoveryLog {
  readonly #context: Omit<StoreContext, "recovered">;
  #recoveries: readonly RecoveryRecord[] = [];
  #isOpen = false;
  #isWritten = true;

  constructor(context: Omit<StoreContext, "recovered">) {
    this.#context = context;
  }

  get recoveries(): readonly RecoveryRecord[] {
    return this.#recoveries;
  }

  /** Reads what is stored. A damaged list is begun anew, and that is told. */
  load(recovered: RecoveryListener): void {
    const { disk, root, damaged } = this.#context;
    try {
      const bytes = readIfThere(disk, `${root}/${RECOVERIES_FILE}`);
      if (bytes) this.#recoveries = decode(bytes);
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = describeError(error);
      const action = `${damaged.setAside(RECOVERIES_FILE)}; it is begun anew`;
      recovered({ file: RECOVERIES_FILE, what, action });
    }
  }

  /** Remembers a repair. Never throws: it must not keep one from being done. */
  note({ file, what, action }: Recovery): void {
    const at = isoTime(this.#context.clock.now());
    const record = { at, file, what: brief(what), action: brief(action) };
    this.#recoveries = [...this.#recoveries, record].slice(-MAX_KEPT);
    this.#isWritten = false;
    if (this.#isOpen) this.#write();
  }

  /** The store is open: writes what has been noted meanwhile. */
  opened(): void {
    this.#isOpen = true;
    if (!this.#isWritten) this.#write();
  }

  #write() {
    const { disk, temp, folders, log } = this.#context;
    const recoveries = this.#recoveries;
    const { bytes } = withSum(JSON.stringify({ format: 1, recoveries }));
    try {
      replaceFileNow(disk, temp, folders.target(RECOVERIES_FILE), bytes);
      this.#isWritten = true;
    } catch (error) {
      log.warn("A repair is not remembered", { error: describeError(error) });
    }
  }
}

function brief(text: string): string {
  return text.slice(0, LONGEST_TEXT).toWellFormed();
}

/** @throws {ShapeError} unless every byte is as it was written. */
function decode(bytes: Uint8Array<ArrayBuffer>): readonly RecoveryRecord[] {
  const checked = checkSum(bytes);
  if (!checked) throw new ShapeError("its sum is wrong");
  return parseShape("recoveries", logSchema, checked.text).recoveries;
}
