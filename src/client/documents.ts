/** Any JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/** `GET /v1/state/metadata/KEY` */
export interface MetadataValue {
  readonly key: string;
  readonly value: string;
}

/** A name with the version of what it stands for. */
export interface KeyAndVersion {
  readonly key: string;
  readonly version: number;
}

/** One of `GET /v1/state/data`. */
export interface DataSummary extends KeyAndVersion {
  readonly content_type: string;
}

/** `GET /v1/state/data/KEY` and `GET /v1/state/report/KEY` */
export interface Entry<Payload = Json> extends DataSummary {
  readonly payload: Payload;
  /** RFC 3339. */
  readonly updated_at: string;
}

/** `GET /v1/state` */
export interface StateSummary {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data_keys: readonly DataSummary[];
  readonly secret_keys: readonly KeyAndVersion[];
  readonly report_keys: readonly KeyAndVersion[];
}

/** `GET /v1/state?full=true` */
export interface FullState {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data: readonly Entry[];
  readonly secret_keys: readonly KeyAndVersion[];
  readonly reports: readonly Entry[];
  /** Number of the state; null where the control plane does not number them. */
  readonly position: {
    readonly epoch: number;
    readonly version: number;
  } | null;
  readonly freshness: {
    /** RFC 3339. */
    readonly verified_at: string | null;
    readonly stale: boolean;
  };
}

/** `GET /v1/state/secrets/KEY` */
export interface SecretValue {
  readonly key: string;
  readonly value: string;
  readonly version: number;
}

/** How far a report is on its way: docs/local-api.md, "Reports". */
export type SyncState =
  | "synced"
  | "pending"
  | "suspended"
  | "refused"
  | "local_only";

/** One of `GET /v1/state/report?sync=true`. */
export interface ReportWithSync extends KeyAndVersion {
  readonly sync: {
    readonly state: SyncState;
    /** RFC 3339; when it was taken or refused. */
    readonly at: string | null;
    /** Why it was refused. */
    readonly error?: string;
  };
}

/** One report of a batch, in the answer. */
export interface WrittenReport extends KeyAndVersion {
  readonly updated_at: string;
  readonly sync: SyncState;
}

/** `GET /v1/events` */
export interface Events {
  readonly events: readonly {
    readonly type: string;
    /** RFC 3339. */
    readonly at: string;
    readonly reason?: string;
    readonly carrier?: string;
  }[];
  readonly capacity: number;
}

/** `GET /v1/status`: what is relied on most; the rest is in `src/wire/status.ts`. */
export interface Status {
  readonly status: string;
  /** RFC 3339. */
  readonly since: string;
  readonly reasons: readonly {
    readonly reason: string;
    readonly [name: string]: unknown;
  }[];
  readonly [name: string]: unknown;
}

/** What a change can be of. */
export type WatchKind = "metadata" | "data" | "secrets" | "report" | "status";

/** One event of `GET /v1/watch`: docs/local-api.md, "Watch". */
export type WatchEvent =
  /** The first of a new watch: what changes from here on is told. */
  | { readonly type: "hello"; readonly position: string }
  /** Changes are missing: read everything anew, then go on. */
  | {
    readonly type: "reset";
    readonly position: string;
    readonly reason: string;
  }
  | {
    readonly type: "change";
    /** Where to resume after this change was dealt with. */
    readonly position: string;
    readonly kind: WatchKind;
    readonly key: string;
    /** Absent for metadata, statuses and what is gone. */
    readonly version?: number;
    readonly change: "added" | "changed" | "removed";
    readonly origin: "control_plane" | "local";
    /** RFC 3339; when it could be read. */
    readonly at: string;
  };
