import type { Descriptors } from "./listener_watch.ts";
import type { SecretResponse } from "../wire/bodies.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import type { MetricFamily } from "../wire/prometheus.ts";
import type { ReportSyncState } from "../wire/report_sync.ts";
import type { SecretRef, StatePosition } from "../wire/state.ts";
import type { DegradedReason, StatusDocument } from "../wire/status.ts";
import type { EventsDocument } from "../wire/transitions.ts";
import type { Watchers } from "./watch/watchers.ts";

/**
 * A node's state at one moment. Immutable: an update puts another object in its
 * place, so bodies built from a view stay true for as long as the view is
 * current.
 */
export interface ApiStateView {
  readonly metadata: ReadonlyMap<string, string>;
  readonly data: ReadonlyMap<string, DataEntry>;
  readonly secretRefs: readonly SecretRef[];
  /** Absent while no numbered state has been applied. */
  readonly position?: StatePosition;
}

/** Where the API reads state from. */
export interface ApiState {
  readonly view: ApiStateView;
}

/** The node's own reports at one moment. Immutable, as a state view is. */
export interface ApiReportsView {
  readonly entries: ReadonlyMap<string, DataEntry>;
}

/** What must hold for a report to be written. */
export interface ApiPutCondition {
  /** The version that must be current; 0 for a report that does not exist. */
  readonly ifMatch?: number;
  /** The report must not exist. */
  readonly createOnly?: boolean;
}

/** A report that is to be written. */
export interface ApiReportWrite {
  readonly key: string;
  readonly content: { readonly contentType: string; readonly payload: string };
  readonly condition: ApiPutCondition;
}

/** Where the API reads and writes reports. A write is durable once it resolves. */
export interface ApiReports {
  /** All reports, for lists. Reading one goes by `get`, which needs no view. */
  readonly view: ApiReportsView;
  get(key: string): DataEntry | undefined;
  /**
   * @throws {ReportConflictError} when the condition does not hold.
   * @throws {StoreWriteError} when the disk does not take it; nothing has changed.
   */
  put(
    key: string,
    content: { readonly contentType: string; readonly payload: string },
    condition: ApiPutCondition,
  ): Promise<DataEntry>;
  /** Writes all of them, each of another key, or none. Fails as `put` does. */
  putAll(writes: readonly ApiReportWrite[]): Promise<readonly DataEntry[]>;
  /** @returns false when there is no such report. Fails as `put` does. */
  delete(key: string): Promise<boolean>;
}

/** How far the API's reports are on their way to the control plane. */
export interface ApiReportSync {
  /** How far a report is, and when it got there, where that is known. */
  stateOf(entry: DataEntry): {
    readonly state: ReportSyncState;
    /** When it was taken or refused, ms since the Unix epoch. */
    readonly atMs?: number;
    /** Why it was refused. */
    readonly error?: string;
  };
  /**
   * Waits until the control plane has a write of `key`, or a later one.
   *
   * @param entry What was written; undefined for a deletion.
   * @returns at once what will not change soon; "pending" when `signal` aborts,
   * and when the agent stops. Never rejects.
   */
  wait(
    key: string,
    entry: DataEntry | undefined,
    signal: AbortSignal,
  ): Promise<ReportSyncState>;
}

/** Where the API gets secrets from; nothing of them is ever kept. */
export interface ApiSecrets {
  /** The node's AES-256 key. Read anew each time, as a new enrolment changes it. */
  readonly key: Uint8Array;
  /**
   * Asks the control plane.
   *
   * @throws {ControlError} kind "not_found" when there is no such secret, any
   * other one when there is no usable answer.
   * @throws {SecretUnavailableError} when it is not asked, as this node must not
   * have secrets now.
   */
  fetch(key: string, signal: AbortSignal): Promise<SecretResponse>;
}

/** Somebody asked for a secret's value. */
export interface SecretRead {
  /** The secret's name. */
  readonly key: string;
  /** Where the request came in: a socket's path or an address. */
  readonly listener: string;
  /** The HTTP status of the answer: 200 when the value was given. */
  readonly status: number;
}

/** How far the served state can be relied on. */
export interface Freshness {
  /** When the control plane last confirmed it, ms since the Unix epoch. */
  readonly verifiedAtMs?: number;
  readonly stale: boolean;
}

/** Everything that the API serves. */
export interface ApiSources {
  readonly state: ApiState;
  readonly reports: ApiReports;
  /** Absent where reports go nowhere. */
  readonly sync?: ApiReportSync;
  /** Absent while the node is not enrolled: then there is nobody to ask. */
  readonly secrets?: ApiSecrets;
  /**
   * Called before each secret read and each wait for the sync of a report:
   * brings up to date what the control plane is asked with, such as credentials
   * that are about to expire. May fail, and is not waited for longer than 3 s:
   * the call itself shows what is wrong.
   */
  beforeSecret?(signal: AbortSignal): Promise<void>;
  /** Hears of every read of a secret's value, and of every try. */
  secretRead?(read: SecretRead): void;
  /** Hears when a listener that has failed is open again, by its name. */
  reopened?(listener: string): void;
  /** How many descriptors are open; undefined where that is not told. */
  descriptors?(): Promise<Descriptors | undefined>;
  /** Asked on each read, so it must be cheap. */
  freshness(): Freshness;
  /** Why no state must be served now, if so. Asked on each read as well. */
  refusal?(): DegradedReason | undefined;
  status(): StatusDocument;
  /** Finds out what the status should know. Never fails, nor takes long. */
  probe?(): Promise<void>;
  /** What has happened to the agent. */
  events(): EventsDocument;
  /** Figures of other parts, for `/metrics`. */
  figures?(): readonly MetricFamily[];
  /** Who hears of changes as they become durable. */
  readonly watchers: Watchers;
}
