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

/** A report that is to be written. */
export interface ReportWrite {
  readonly key: string;
  readonly content: ReportContent;
  readonly condition: ReportCondition;
}

interface PutJob extends ReportWrite {
  readonly kind: "put";
  readonly resolve: (entry: DataEntry) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes all of its reports or none. */
interface BatchJob {
  readonly kind: "batch";
  readonly writes: readonly ReportWrite[];
  readonly resolve: (entries: readonly DataEntry[]) => void;
  readonly reject: (error: unknown) => void;
}

interface DeleteJob {
  readonly kind: "delete";
  readonly key: string;
  readonly resolve: (existed: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** What waits to be written. */
export type ReportJob = PutJob | BatchJob | DeleteJob;

/** What a job does to a key; undefined takes the entry away. */
export interface ReportOutcome {
  readonly key: string;
  readonly after: DataEntry | undefined;
}

/** What a job comes to. */
export interface ReportDecision {
  readonly outcomes: readonly ReportOutcome[];
  /** Tells the writer, once the outcomes are durable. */
  readonly settle: () => void;
}

/** The entries that a job finds when its turn comes. */
interface Latest {
  get(key: string): DataEntry | undefined;
}

/**
 * What a job comes to, given what is stored when its turn comes.
 *
 * @throws {ReportConflictError} when its condition, or one of them, does not
 * hold.
 */
export function decideReport(
  job: ReportJob,
  latest: Latest,
  clock: Clock,
): ReportDecision {
  switch (job.kind) {
    case "put": {
      const after = entryAfter(job, latest, clock);
      return {
        outcomes: [{ key: job.key, after }],
        settle: () => job.resolve(after),
      };
    }
    case "delete": {
      const existed = latest.get(job.key) !== undefined;
      return {
        outcomes: [{ key: job.key, after: undefined }],
        settle: () => job.resolve(existed),
      };
    }
    case "batch": {
      const entries = job.writes.map((one) => entryAfter(one, latest, clock));
      return {
        outcomes: entries.map((after) => ({ key: after.key, after })),
        settle: () => job.resolve(entries),
      };
    }
  }
}

function entryAfter(
  { key, content, condition }: ReportWrite,
  latest: Latest,
  clock: Clock,
): DataEntry {
  const before = latest.get(key);
  const version = before?.version ?? 0;
  const { ifMatch = version, createOnly = false } = condition;
  if (createOnly && before) {
    throw new ReportConflictError("exists", key, version);
  }
  if (ifMatch !== version) {
    throw new ReportConflictError("version", key, version);
  }
  return Object.freeze({
    key,
    contentType: content.contentType,
    payload: content.payload,
    version: version + 1,
    updatedAt: isoTime(clock.now()),
  });
}
