import { type Clock, isoTime } from "../platform/clock.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import { ReportConflictError } from "./store_errors.ts";

/** What a writer says of a report. */
export interface ReportContent {
  readonly contentType: string;
  /** Raw JSON text, kept as it is. */
  readonly payload: string;
}

/** What must hold for a report to be written. Nothing by default. */
export interface ReportCondition {
  /** The version that must be stored; 0 means that there must be none. */
  readonly ifMatch?: number;
  /** Whether there must be no such report yet. @default {false} */
  readonly createOnly?: boolean;
}

interface PutJob {
  readonly kind: "put";
  readonly key: string;
  readonly content: ReportContent;
  readonly condition: ReportCondition;
  readonly resolve: (entry: DataEntry) => void;
  readonly reject: (error: unknown) => void;
}

interface DeleteJob {
  readonly kind: "delete";
  readonly key: string;
  readonly resolve: (existed: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** One write that waits to be made. */
export type ReportJob = PutJob | DeleteJob;

/** What a job does to its key; undefined takes the entry away. */
export interface ReportOutcome {
  readonly key: string;
  readonly after: DataEntry | undefined;
  /** Tells the writer, once the outcome is durable. */
  readonly settle: () => void;
}

/**
 * What a job comes to, given what is stored when its turn comes.
 *
 * @throws {ReportConflictError} when its condition does not hold.
 */
export function decideReport(
  job: ReportJob,
  latest: { get(key: string): DataEntry | undefined },
  clock: Clock,
): ReportOutcome {
  const { key } = job;
  const before = latest.get(key);
  if (job.kind === "delete") {
    return { key, after: undefined, settle: () => job.resolve(!!before) };
  }
  const version = before?.version ?? 0;
  const { ifMatch = version, createOnly = false } = job.condition;
  if (createOnly && before) throw new ReportConflictError("exists", version);
  if (ifMatch !== version) throw new ReportConflictError("version", version);
  const after = Object.freeze({
    key,
    contentType: job.content.contentType,
    payload: job.content.payload,
    version: version + 1,
    updatedAt: isoTime(clock.now()),
  });
  return { key, after, settle: () => job.resolve(after) };
}
