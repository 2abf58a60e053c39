import { ControlError } from "../uplink/control_error.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import type { Dialect } from "../wire/dialect.ts";
import {
  MAX_REPORT_VALUE_BYTES,
  REPORT_KEY_2,
} from "../wire/dialect2/bodies.ts";

/**
 * What becomes of a change that was not taken.
 *
 * - park: it is refused as it is, and waits until its report changes
 * - park_until_room: it waits for that, or for a deletion to be taken
 * - others_first: it is tried again later, and the others go up now
 * - later: whatever is the reason holds for all, so all of them wait
 */
export type AfterRefusal =
  | "park"
  | "park_until_room"
  | "others_first"
  | "later";

/** First and longest wait between two tries, ms. */
export interface Pace {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** How control planes of one dialect take reports. */
export interface ReportRules {
  /** Most changes in one call. */
  readonly maxBatch: number;
  /** Whether there is a way to send it at all; without payload: to delete it. */
  carries(change: Pick<DataEntry, "key"> & Partial<DataEntry>): boolean;
  after(failure: Error): AfterRefusal;
  /** Whether a failure says that no report is taken for a long time. */
  suspends(failure: Error): boolean;
  /** How to wait after a failure, where that is not left to the settings. */
  pace(failure: Error): Pace | undefined;
}

const TRANSIENT: Pace = { baseMs: 30_000, maxMs: 30_000 };

/** The control plane takes no reports, and somebody has to change that first. */
const NOT_PROVISIONED: Pace = { baseMs: 300_000, maxMs: 300_000 };

/** @see docs/wire.md, sections e.2 and h.6 */
export const REPORT_RULES: Readonly<Record<Dialect, ReportRules>> = {
  1: {
    maxBatch: 500,
    carries: () => true,
    after(failure) {
      if (lacksRoom(failure)) return "park_until_room";
      return isRefusal(failure) ? "park" : "later";
    },
    suspends: isNotProvisioned,
    pace: () => undefined,
  },
  2: {
    maxBatch: 1,
    carries: ({ key, payload = "" }) =>
      REPORT_KEY_2.test(key) && fits(payload, MAX_REPORT_VALUE_BYTES),
    after(failure) {
      if (lacksRoom(failure)) return "park_until_room";
      if (isRefusal(failure)) return "park";
      // A fault of the server may be about this one report.
      return known(failure).status === 500 ? "others_first" : "later";
    },
    suspends: isNotProvisioned,
    pace: (failure) => isNotProvisioned(failure) ? NOT_PROVISIONED : TRANSIENT,
  },
};

/**
 * Whether the control plane refuses this content, and not the node or the
 * moment: a wrong path or a missing permission may be put right without any
 * report changing, so those are tried again.
 */
function isRefusal(failure: Error): boolean {
  if (!(failure instanceof ControlError)) return false;
  const { kind, status } = failure;
  return kind === "bad_request" || kind === "too_large" ||
    kind === "conflict" || status === 415 || status === 422;
}

/**
 * Whether the node has as many reports there as it may have. Public control
 * planes of dialect 1 do not say so; plexd's own does in either dialect.
 */
function lacksRoom(failure: Error): boolean {
  const { status, code } = known(failure);
  return status === 409 && code === "report_quota_exceeded";
}

/** Whether the control plane has no part that takes reports. */
function isNotProvisioned(failure: Error): boolean {
  return known(failure).status === 501;
}

function known(failure: Error): Pick<ControlError, "status" | "code"> {
  return failure instanceof ControlError ? failure : {};
}

/** Whether a text has at most `maxBytes` as UTF-8; a long one is not encoded. */
function fits(text: string, maxBytes: number): boolean {
  return text.length <= maxBytes &&
    new TextEncoder().encode(text).length <= maxBytes;
}
