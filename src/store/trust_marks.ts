import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import type { StatePosition } from "../wire/state.ts";
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
  /** Whether every state must be signed: it was said so at registration. */
  readonly signedRequired: boolean;
  /** Epoch of a good snapshot that was refused because nobody had accepted it. */
  readonly offeredEpoch?: number;
  /** Where the control plane said two things, until it has gone on from there. */
  readonly disputed?: StatePosition;
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
  offered_epoch: z.optional(counter),
  disputed: z.optional(z.object({ epoch: counter, version: counter })),
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
      const { snapshot, offered_epoch, disputed } = marks;
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
        ...(offered_epoch === undefined ? {} : { offeredEpoch: offered_epoch }),
        ...(disputed ? { disputed } : {}),
      };
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new CorruptTrustError(MARKS_FILE, error.message);
    }
  }

  /** @throws {StoreWriteError} when they could not be made durable. */
  save(marks: Marks): void {
    const { snapshot, acceptedEpoch, signedRequired } = marks;
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
      offered_epoch: marks.offeredEpoch,
      disputed: marks.disputed,
    }));
    try {
      replaceFileNow(disk, temp, folders.target(MARKS_FILE), bytes);
    } catch (error) {
      throw new StoreWriteError("the trust marks", error);
    }
  }
}
