import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { CorruptTrustError, StoreWriteError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";

/** Path of the marks, below the membership's folder. */
export const MARKS_FILE = "trust/marks.json";

/** The newest snapshot that was ever activated. */
export interface SnapshotMark {
  readonly epoch: number;
  readonly version: number;
  /** Base64 of SHA-256 of its content. */
  readonly contentSha256: string;
}

/** What must never be taken back, across restarts and restores. */
export interface Marks {
  /** Absent before the first signed snapshot; from then on, none may be unsigned. */
  readonly snapshot?: SnapshotMark;
  /** Latest epoch that an operator has accepted; 0 for none. */
  readonly acceptedEpoch: number;
  /** Whether the control plane said at registration that it signs every state. */
  readonly signedRequired: boolean;
}

export const NO_MARKS: Marks = Object.freeze({
  acceptedEpoch: 0,
  signedRequired: false,
});

const counter = z.int().check(z.positive());
const marksSchema = z.object({
  format: z.literal(1),
  snapshot: z.nullable(z.object({
    epoch: counter,
    version: counter,
    content_sha256: z.string(),
  })),
  accepted_epoch: z.int().check(z.nonnegative()),
  signed_required: z.boolean(),
});

/** Keeps the marks. They only ever rise, but for a new membership. */
export class TrustMarks {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** @throws {CorruptTrustError} unless every byte is as it was written. */
  load(): Marks {
    const { disk, root } = this.#context;
    const bytes = readIfThere(disk, `${root}/${MARKS_FILE}`);
    if (!bytes) return NO_MARKS;
    const checked = checkSum(bytes);
    if (!checked) throw new CorruptTrustError(MARKS_FILE, "its sum is wrong");
    try {
      const marks = parseShape("trust marks", marksSchema, checked.text);
      const { snapshot } = marks;
      return {
        ...(snapshot
          ? {
            snapshot: {
              epoch: snapshot.epoch,
              version: snapshot.version,
              contentSha256: snapshot.content_sha256,
            },
          }
          : {}),
        acceptedEpoch: marks.accepted_epoch,
        signedRequired: marks.signed_required,
      };
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new CorruptTrustError(MARKS_FILE, error.message);
    }
  }

  /** @throws {StoreWriteError} when they could not be made durable. */
  save({ snapshot, acceptedEpoch, signedRequired }: Marks): void {
    const { disk, temp, folders } = this.#context;
    const { bytes } = withSum(JSON.stringify({
      format: 1,
      snapshot: snapshot
        ? {
          epoch: snapshot.epoch,
          version: snapshot.version,
          content_sha256: snapshot.contentSha256,
        }
        : null,
      accepted_epoch: acceptedEpoch,
      signed_required: signedRequired,
    }));
    try {
      replaceFileNow(disk, temp, folders.target(MARKS_FILE), bytes);
    } catch (error) {
      throw new StoreWriteError("the trust marks", error);
    }
  }
}
