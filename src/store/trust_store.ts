import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { CorruptTrustError, StoreWriteError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";

/** Path of the trusted keys, below the membership's folder. */
export const KEYS_FILE = "trust/keys.json";

/** The trusted signing keys, in the shape that `trust/` uses. */
export interface KeyringRecord {
  /** Base64 of 32 bytes. */
  readonly current: string;
  /** Names of the keys; dialect 2 only. */
  readonly currentId?: string;
  readonly previousId?: string;
  /** Base64 of 32 bytes. */
  readonly previous?: string;
  /** Ms since the Unix epoch. */
  readonly transitionExpiresMs?: number;
  /** Fingerprints of keys that must never become current again. */
  readonly retired: readonly string[];
  /** Whether a signed event has changed keys. */
  readonly signedChange: boolean;
}

const keyringSchema = z.object({
  format: z.literal(1),
  current: z.string(),
  current_id: z.optional(z.string()),
  previous_id: z.optional(z.string()),
  previous: z.optional(z.string()),
  transition_expires_ms: z.optional(z.number()),
  retired: z.array(z.string()),
  signed_change: z.boolean(),
});

/** Whom this node trusts. It fails closed: half a keyring is none. */
export class TrustStore {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * The stored keys; undefined when none have ever been stored.
   *
   * @throws {CorruptTrustError} unless every byte is as it was written.
   */
  load(): KeyringRecord | undefined {
    const { disk, root } = this.#context;
    const bytes = readIfThere(disk, `${root}/${KEYS_FILE}`);
    if (!bytes) return undefined;
    const checked = checkSum(bytes);
    if (!checked) throw new CorruptTrustError(KEYS_FILE, "its sum is wrong");
    try {
      return decode(checked.text);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new CorruptTrustError(KEYS_FILE, error.message);
    }
  }

  /**
   * Stores keys in place of those before.
   *
   * @throws {StoreWriteError} when they could not be made durable: then those
   * before are still to be used.
   */
  save(record: KeyringRecord): Promise<void> {
    const { disk, temp, folders } = this.#context;
    try {
      const target = folders.target(KEYS_FILE);
      replaceFileNow(disk, temp, target, withSum(encode(record)).bytes);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(new StoreWriteError("the trusted keys", error));
    }
  }
}

function encode(record: KeyringRecord): string {
  return JSON.stringify({
    format: 1,
    current: record.current,
    current_id: record.currentId,
    previous_id: record.previousId,
    previous: record.previous,
    transition_expires_ms: record.transitionExpiresMs,
    retired: record.retired,
    signed_change: record.signedChange,
  });
}

function decode(text: string): KeyringRecord {
  const keys = parseShape("trusted keys", keyringSchema, text);
  const { current, previous, transition_expires_ms, retired } = keys;
  return {
    current,
    ...(keys.current_id === undefined ? {} : { currentId: keys.current_id }),
    ...(keys.previous_id === undefined ? {} : { previousId: keys.previous_id }),
    ...(previous === undefined ? {} : { previous }),
    ...(transition_expires_ms === undefined
      ? {}
      : { transitionExpiresMs: transition_expires_ms }),
    retired,
    signedChange: keys.signed_change,
  };
}
