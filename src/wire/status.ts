import type { ReportSyncState } from "./report_sync.ts";
import type { Transition } from "./transitions.ts";
import type { Carrier } from "./transitions.ts";

/**
 * What `GET /v1/status` of the local API answers, and `plexd status` shows.
 *
 * Times are RFC 3339 text in UTC. `null` means "not yet", or "none".
 */
export interface StatusDocument {
  readonly version: string;
  readonly pid: number;
  readonly started_at: string;
  readonly cluster: string;
  /** Empty while the node is not enrolled, as is `mesh_ip`. */
  readonly node_id: string;
  readonly mesh_ip: string;
  readonly control_plane: string;
  readonly status: "ok" | "degraded";
  /** Since when it is that, at most for as long as this run lasts. */
  readonly since: string;
  readonly reasons: readonly StatusReason[];
  readonly stale: boolean;
  /** When the served state was last confirmed by the control plane. */
  readonly verified_at: string | null;
  readonly stream: {
    readonly state: string;
    readonly since: string;
    /** Since when no stream is open, through all tries. */
    readonly down_since: string | null;
    readonly next_try_at: string | null;
    readonly last_error: string | null;
  };
  /**
   * What brings events; absent for agents before there was a choice. `pull`:
   * nothing does, and states are pulled.
   */
  readonly carrier?: {
    readonly active: Carrier | null;
    /** As it is configured. */
    readonly transport: "sse" | "nats" | "auto";
    /** Absent where no message bus is wanted. */
    readonly nats?: {
      /** `feeding` while it brings events. */
      readonly state: string;
      readonly since: string;
      readonly next_try_at: string | null;
      readonly last_error: string | null;
      /** Messages that were refused for good: forged, stale, replayed, foreign. */
      readonly refused: number;
    };
  };
  /** Of the message bus, and never what they are; null where none are wanted. */
  readonly carrier_credentials?: {
    readonly state: string;
    readonly expires_at: string | null;
    readonly last_refresh_at: string | null;
    readonly next_refresh_at: string | null;
    readonly last_error: string | null;
  } | null;
  readonly events: {
    readonly applied: number;
    /** What they bring was here already, by an earlier event or a pull. */
    readonly repeated: number;
    readonly last_applied_at: string | null;
    /** Verified events by type; unknown types are `other`. */
    readonly by_type: Readonly<Record<string, number>>;
    /** Refused events by reason, such as `signature`, `stale` or `replay`. */
    readonly rejected: Readonly<Record<string, number>>;
    /**
     * Those in a row, up to the latest, that no trusted key has signed; null
     * when there are none. Agents before this was told leave it out.
     */
    readonly unsigned?: {
      readonly count: number;
      readonly since: string;
    } | null;
  };
  readonly pull: {
    readonly last_success_at: string | null;
    readonly last_error: string | null;
    readonly next_at: string | null;
  };
  readonly state: {
    readonly metadata: number;
    readonly data: number;
    readonly secrets: number;
    readonly reports: number;
    readonly epoch: number | null;
    readonly version: number | null;
  };
  /** How much is known, and never where anybody is. */
  readonly caches: {
    readonly peers: number;
    /** Of those, the ones that were tried to be reached. */
    readonly peers_observed: number;
    readonly routes: number;
    readonly services: number;
  };
  readonly signed_state: {
    /** The active snapshot; null while no signed state was activated. */
    readonly snapshot: {
      readonly epoch: number;
      readonly version: number;
      readonly expires_at: string;
      readonly refresh_due_at: string;
      readonly activated_at: string;
      /** Of the key that has signed it; null when that was not noted. */
      readonly key_id: string | null;
    } | null;
    readonly trust_bundle_version: number | null;
  };
  readonly sync: {
    /** Report changes that the control plane does not have yet. */
    readonly pending: number;
    /** Reports that the dialect cannot carry: they never leave the node. */
    readonly local_only: number;
    /** How many reports are how far; agents before this was told leave it out. */
    readonly reports?: Readonly<Record<ReportSyncState, number>>;
    readonly last_success_at: string | null;
    readonly last_error: string | null;
    readonly next_try_at: string | null;
  };
  /** In this run of the agent or an earlier one. */
  readonly contact: {
    readonly last_heartbeat_at: string | null;
    readonly last_contact_at: string | null;
    /**
     * Why the last heartbeat was not taken; null where it was, and where the
     * control plane takes none. Agents before this was told leave it out.
     */
    readonly heartbeat_error?: string | null;
  };
  readonly store: {
    /** Repairs that are remembered. */
    readonly recoveries: number;
    readonly last_recovery: {
      readonly at: string;
      readonly file: string;
      readonly what: string;
      readonly action: string;
    } | null;
    /** Restored from a backup, and not confirmed by the control plane yet. */
    readonly restored: boolean;
  };
  readonly agent: {
    /** Made once for the data folder. */
    readonly install_id: string;
    /** How the run before this one ended; null when there was none. */
    readonly last_stop: {
      /** Null when it did not get to say. */
      readonly at: string | null;
      readonly clean: boolean;
      /** It ended by itself, and could still say so. */
      readonly failed: boolean;
    } | null;
    /** What was switched on at the start, such as `actions` or `metrics`. */
    readonly features: readonly string[];
    /** The last look at the whole node; null before the first. */
    readonly last_diagnostics: {
      readonly kind: "diag" | "store_verify";
      readonly at: string;
      /** `failed`: it could not look. */
      readonly outcome: "ok" | "findings" | "failed";
    } | null;
  };
  /** The latest transition; `GET /v1/events` has all. */
  readonly last_event?: Transition | null;
  /** Whether the control plane takes the node's credentials. */
  readonly credential?: {
    /** As its last answer said; `unknown` before there was one. */
    readonly check: "unknown" | "ok" | "invalid";
    readonly at: string | null;
    /** SHA-256 of the node's secret key; null while it is not enrolled. */
    readonly fingerprint: string | null;
  };
  /** What is known of the identity beside its name. */
  readonly identity: {
    /** Made by the node when it joined. */
    readonly membership_id: string | null;
    /** Named by plexd's own control plane only. */
    readonly domain_id: string | null;
    /**
     * What people call node and domain. They come with the credentials of the
     * message bus, and are null where none were had yet.
     */
    readonly node_name: string | null;
    readonly domain_name: string | null;
    /** `refused`: the control plane does not accept the node now. */
    readonly enrollment: "enrolled" | "refused" | "not_enrolled";
    readonly enrolled_at: string | null;
    /** What opens the sealed keys: `file:` and a path, or `credential:`. */
    readonly seal_ref: string | null;
    /** Null when none is configured. */
    readonly client_certificate: {
      readonly subject: string;
      /** SHA-256 in hex. */
      readonly fingerprint: string;
      readonly not_after: string;
      readonly state: "valid" | "expires_soon" | "expired";
    } | null;
    /** Keys and nodes that this node knows to be revoked. */
    readonly revocations: number;
  };
  /**
   * What the agent could run out of; null before the first look. A member is
   * null where the machine does not tell.
   */
  readonly resources: {
    readonly at: string;
    readonly short: readonly ("disk" | "memory" | "descriptors")[];
    readonly disk: {
      readonly free_bytes: number;
      readonly total_bytes: number;
    } | null;
    /** Share of the last minute in which work waited for memory. */
    readonly memory: {
      readonly some_percent: number;
      readonly full_percent: number;
    } | null;
    readonly descriptors: {
      readonly open: number;
      readonly limit: number;
    } | null;
  } | null;
  /**
   * Until when the state is served without the control plane; null when there
   * is no such limit.
   */
  readonly safe_until: string | null;
  /** What is known of updates of plexd itself. */
  readonly updates: {
    /** When this version was first seen to run. */
    readonly current_since: string | null;
    /** Staged, and not in place yet. */
    readonly pending: {
      readonly version: string;
      readonly since: string;
    } | null;
    /** Which part of a rollout this node is in. */
    readonly canary_group: string | null;
    /** The version that could be put back. */
    readonly rollback_version: string | null;
    readonly last: {
      readonly version: string;
      readonly outcome: string;
      readonly at: string;
      readonly detail: string;
    } | null;
  };
  readonly tasks: {
    /** Actions that run now. */
    readonly actions_running: number;
    /** Results of actions that the control plane does not have yet. */
    readonly results_unreported: number;
    readonly key_rotation: {
      readonly last_at: string | null;
      /** Since when a new key waits to be confirmed; null when none does. */
      readonly pending_since: string | null;
      readonly last_error: string | null;
      readonly next_try_at: string | null;
    };
  };
  /** Null for what is switched off. */
  readonly telemetry: {
    readonly metrics: TelemetryCounts | null;
    readonly logs: TelemetryCounts | null;
    readonly audit: TelemetryCounts | null;
  };
  /** Who reads `GET /v1/watch`, and what became of others since the start. */
  readonly watchers: {
    readonly open: number;
    /** They did not read what was sent. */
    readonly dropped: number;
    /** There were too many already. */
    readonly refused: number;
  };
  /** Where the local API listens; absent where it does not serve this. */
  readonly listeners?: readonly ListenerStatus[];
}

/** One listener of the local API. */
export interface ListenerStatus {
  /** A socket's path or an address. */
  readonly name: string;
  readonly open: boolean;
  /** Null for a socket: the runtime does not tell. */
  readonly connections: number | null;
  /** Since the start, after it had failed, was lost or had to shed. */
  readonly reopened: number;
  /** Connections and requests turned away since the start, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** What became of one kind of telemetry since the start. */
export interface TelemetryCounts {
  readonly sent: number;
  /** Refused, or pushed out by newer ones. */
  readonly dropped: number;
  /** Waiting to be sent. */
  readonly buffered: number;
  readonly last_error: string | null;
}

/** Why the agent is degraded, and what that means for the node. */
export interface StatusReason {
  readonly reason: DegradedReason;
  readonly since: string;
  readonly detail: string;
  /** What goes on working all the same. */
  readonly works: string;
  readonly next_try_at: string | null;
}

/** Everything that can be wrong with a running agent. */
export const DEGRADED_REASONS = [
  "not_enrolled",
  "control_plane_unreachable",
  "unauthorized",
  "snapshot_expired",
  "store_read_only",
  "disk_full",
  "clock_skew",
  "unsigned_state",
  "key_change_unconfirmed",
  "equivocation",
  "corruption_recovered",
  "credentials_invalid",
  "insecure_tls",
] as const;

export type DegradedReason = typeof DEGRADED_REASONS[number];
