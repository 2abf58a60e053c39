import * as z from "zod/mini";
import { describeError } from "../platform/log.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { checkSum, sha256, withSum } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** Path of the list, below the membership's folder. */
export const SPENT_TOKENS_FILE = "identity/spent-tokens.json";

/** As many are remembered: a source holds one token, and there are four. */
const MAX_KEPT = 16;

const schema = z.object({
  format: z.literal(1),
  sha256: z.array(z.string()),
});

/**
 * Which bootstrap tokens this node has joined with. Each is good for once, so
 * one that still lies where it was found is not offered again. Only hashes are
 * kept, and losing them costs no more than a refused call.
 */
export class SpentTokens {
  readonly #context: StoreContext;
  #hashes: readonly string[];

  private constructor(context: StoreContext, hashes: readonly string[]) {
    this.#context = context;
    this.#hashes = hashes;
  }

  /** Opens the list. A damaged one is begun anew, and that is told. */
  static open(context: StoreContext): SpentTokens {
    const { disk, root, damaged, recovered } = context;
    try {
      const bytes = readIfThere(disk, `${root}/${SPENT_TOKENS_FILE}`);
      return new SpentTokens(context, bytes ? decode(bytes) : []);
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = describeError(error);
      const action = damaged.setAside(SPENT_TOKENS_FILE);
      recovered({ file: SPENT_TOKENS_FILE, what, action });
      return new SpentTokens(context, []);
    }
  }

  has(token: string): boolean {
    return this.#hashes.includes(sha256(token));
  }

  /** @throws {StoreWriteError} when that could not be made durable. */
  add(token: string): void {
    const { disk, temp, folders } = this.#context;
    const hash = sha256(token);
    const others = this.#hashes.filter((other) => other !== hash);
    const hashes = [...others, hash].slice(-MAX_KEPT);
    const text = JSON.stringify({ format: 1, sha256: hashes });
    this.#hashes = hashes;
    try {
      const target = folders.target(SPENT_TOKENS_FILE);
      replaceFileNow(disk, temp, target, withSum(text).bytes);
    } catch (error) {
      throw new StoreWriteError("which tokens were used", error);
    }
  }
}

/** @throws {ShapeError} unless every byte is as it was written. */
function decode(bytes: Uint8Array<ArrayBuffer>): readonly string[] {
  const checked = checkSum(bytes);
  if (!checked) throw new ShapeError("its sum is wrong");
  return parseShape("spent tokens", schema, checked.text).sha256;
}
