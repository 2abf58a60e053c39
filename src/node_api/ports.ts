import type { SecretResponse } from "../wire/bodies.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import type { SecretRef } from "../wire/state.ts";
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
  /** @returns false when there is no such report. Fails as `put` does. */
  delete(key: string): Promise<boolean>;
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
  readonly secrets: ApiSecrets;
  /** Hears of every read of a secret's value, and of every try. */
  secretRead?(read: SecretRead): void;
  /** Hears when a listener that has failed is open again, by its name. */
  reopened?(listener: string): void;
  /** Asked on each read, so it must be cheap. */
  freshness(): Freshness;
  /** Why no state must be served now, if so. Asked on each read as well. */
  refusal?(): DegradedReason | undefined;
  status(): StatusDocument;
  /** What has happened to the agent. */
  events(): EventsDocument;
  /** Who hears of changes as they become durable. */
  readonly watchers: Watchers;
}
