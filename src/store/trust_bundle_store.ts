import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { CorruptTrustError, StoreWriteError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";

/** Path of the trust bundle, below the membership's folder. */
export const BUNDLE_FILE = "trust/bundle.json";

/** The roots that are pinned, and what of the bundle in force must be known. */
export interface StoredBundle {
  /** Base64 of 32 bytes each. */
  readonly roots: readonly string[];
  readonly revokedKeyIds: readonly string[];
  /** 0 before the first bundle. */
  readonly version: number;
  /** What the bundle's signature covered; empty before the first one. */
  readonly signedText: string;
}

const bundleSchema = z.object({
  format: z.literal(1),
  roots: z.array(z.string()),
  revoked_key_ids: z.array(z.string()),
  version: z.int().check(z.nonnegative()),
  signed_text: z.string(),
});

/** Who may vouch for signing keys. It fails closed, as the keys do. */
export class TrustBundleStore {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * @returns undefined when no root was ever pinned.
   * @throws {CorruptTrustError} unless every byte is as it was written.
   */
  load(): StoredBundle | undefined {
    const { disk, root } = this.#context;
    const bytes = readIfThere(disk, `${root}/${BUNDLE_FILE}`);
    if (!bytes) return undefined;
    const checked = checkSum(bytes);
    if (!checked) throw new CorruptTrustError(BUNDLE_FILE, "its sum is wrong");
    try {
      const file = parseShape("trust bundle", bundleSchema, checked.text);
      return {
        roots: file.roots,
        revokedKeyIds: file.revoked_key_ids,
        version: file.version,
        signedText: file.signed_text,
      };
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new CorruptTrustError(BUNDLE_FILE, error.message);
    }
  }

  /** @throws {StoreWriteError} when it could not be made durable. */
  save({ roots, revokedKeyIds, version, signedText }: StoredBundle): void {
    const { disk, temp, folders } = this.#context;
    const { bytes } = withSum(JSON.stringify({
      format: 1,
      roots,
      revoked_key_ids: revokedKeyIds,
      version,
      signed_text: signedText,
    }));
    try {
      replaceFileNow(disk, temp, folders.target(BUNDLE_FILE), bytes);
    } catch (error) {
      throw new StoreWriteError("the trust bundle", error);
    }
  }

  /** Forgets roots and bundle: they are another control plane's. */
  forget(): void {
    const { disk, root, folders } = this.#context;
    try {
      disk.remove(`${root}/${BUNDLE_FILE}`);
      folders.get("trust").syncNow();
    } catch (error) {
      throw new StoreWriteError("that former trust is gone", error);
    }
  }
}
