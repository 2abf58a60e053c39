import type { Clock } from "../platform/clock.ts";
import { isoTime } from "../platform/clock.ts";
import type { ReportSyncState } from "../wire/report_sync.ts";
import type { StatusDocument, StatusReason } from "../wire/status.ts";

/** When something happened, ms since the Unix epoch; `undefined` for not yet. */
type Moment = number | undefined;

/** What each part tells about itself; `GET /v1/status` puts it together. */
export interface StatusSources {
  readonly about: {
    readonly version: string;
    readonly startedAtMs: number;
    readonly cluster: string;
    readonly nodeId: string;
    readonly meshIp: string;
    readonly controlPlane: string;
  };
  reasons(): readonly StatusReason[];
  /** When the last reason was over; undefined when none was. */
  wellSinceMs(): Moment;
  stream(): {
    readonly state: string;
    readonly sinceMs: number;
    readonly downSinceMs?: Moment;
    readonly nextTryMs?: Moment;
    readonly lastError?: string | undefined;
  };
  events(): {
    readonly applied: number;
    readonly repeated: number;
    readonly lastAppliedMs?: Moment;
    readonly byType: Readonly<Record<string, number>>;
    readonly rejected: Readonly<Record<string, number>>;
    readonly unsigned?: { readonly count: number; readonly sinceMs: number };
  };
  /** Events that were too long to be read at all. */
  skippedEvents(): number;
  pull(): {
    readonly lastSuccessMs?: Moment;
    readonly lastError?: string | undefined;
    readonly nextMs?: Moment;
  };
  state(): StatusDocument["state"];
  caches(): StatusDocument["caches"];
  signedState(): StatusDocument["signed_state"];
  sync(): {
    readonly pending: number;
    readonly reports: Readonly<Record<ReportSyncState, number>>;
    readonly lastSuccessMs?: Moment;
    readonly lastError?: string | undefined;
    readonly nextTryMs?: Moment;
  };
  health(): Pick<
    StatusDocument,
    "contact" | "store" | "agent" | "updates"
  >;
  self(): Pick<StatusDocument, "identity" | "resources" | "safe_until">;
  lastEvent(): StatusDocument["last_event"];
  credential(): NonNullable<StatusDocument["credential"]>;
  carriers(): Pick<StatusDocument, "carrier" | "carrier_credentials">;
  tasks(): StatusDocument["tasks"];
  telemetry(): StatusDocument["telemetry"];
  watchers(): StatusDocument["watchers"];
}

/** When the control plane was last heard of. Times are ms since the Unix epoch. */
export interface Contact {
  /** Whether the event stream is open. */
  readonly streaming: boolean;
  /** Last successful pull. */
  readonly lastSuccessMs: Moment;
  /** Monotonic time since then; undefined when that was in an earlier run. */
  readonly sinceSuccessMs?: number | undefined;
  /** Last event that confirmed the state: no mere hint at a change. */
  readonly lastEventMs: Moment;
}

/** How fresh the served state is. */
export interface Freshness {
  readonly verifiedAtMs?: number;
  readonly stale: boolean;
}

/**
 * Stale: the stream is not up, and the last successful pull is older than twice
 * the reconcile interval. An open stream brings every change, so it confirms
 * the state for as long as it is open.
 *
 * @see design, section 9 "Degraded mode and freshness"
 */
export function freshnessOf(
  contact: Contact,
  clock: Clock,
  reconcileIntervalMs: number,
): Freshness {
  const { streaming, lastSuccessMs, sinceSuccessMs, lastEventMs } = contact;
  const verifiedAtMs = Math.max(lastSuccessMs ?? 0, lastEventMs ?? 0);
  // Wall time knows of sleep, but may have been set back since; what is dated
  // ahead by much is of unknown age.
  const ageMs = Math.max(
    Math.abs(clock.now() - (lastSuccessMs ?? -Infinity)),
    sinceSuccessMs ?? 0,
  );
  const stale = !streaming && ageMs > 2 * reconcileIntervalMs;
  return { stale, ...(verifiedAtMs > 0 ? { verifiedAtMs } : {}) };
}

/** The document that `GET /v1/status` answers. */
export function statusDocument(
  sources: StatusSources,
  freshness: Freshness,
): StatusDocument {
  const { about } = sources;
  const reasons = sources.reasons();
  const stream = sources.stream();
  const events = sources.events();
  const tooLong = sources.skippedEvents();
  const pull = sources.pull();
  const sync = sources.sync();
  return {
    version: about.version,
    pid: Deno.pid,
    started_at: isoTime(about.startedAtMs),
    cluster: about.cluster,
    node_id: about.nodeId,
    mesh_ip: about.meshIp,
    control_plane: about.controlPlane,
    status: reasons.length > 0 ? "degraded" : "ok",
    since: sinceOf(sources, reasons),
    reasons,
    stale: freshness.stale,
    verified_at: timeOrNull(freshness.verifiedAtMs),
    stream: {
      state: stream.state,
      since: isoTime(stream.sinceMs),
      down_since: timeOrNull(stream.downSinceMs),
      next_try_at: timeOrNull(stream.nextTryMs),
      last_error: stream.lastError ?? null,
    },
    ...sources.carriers(),
    events: {
      applied: events.applied,
      repeated: events.repeated,
      last_applied_at: timeOrNull(events.lastAppliedMs),
      by_type: events.byType,
      rejected: {
        ...events.rejected,
        ...(tooLong > 0 ? { too_long: tooLong } : {}),
      },
      unsigned: events.unsigned
        ? {
          count: events.unsigned.count,
          since: isoTime(events.unsigned.sinceMs),
        }
        : null,
    },
    pull: {
      last_success_at: timeOrNull(pull.lastSuccessMs),
      last_error: pull.lastError ?? null,
      next_at: timeOrNull(pull.nextMs),
    },
    state: sources.state(),
    caches: sources.caches(),
    signed_state: sources.signedState(),
    sync: {
      pending: sync.pending,
      local_only: sync.reports.local_only,
      reports: sync.reports,
      last_success_at: timeOrNull(sync.lastSuccessMs),
      last_error: sync.lastError ?? null,
      next_try_at: timeOrNull(sync.nextTryMs),
    },
    last_event: sources.lastEvent() ?? null,
    credential: sources.credential(),
    ...sources.health(),
    ...sources.self(),
    tasks: sources.tasks(),
    telemetry: sources.telemetry(),
    watchers: sources.watchers(),
  };
}

/** The oldest of what is wrong, or the moment in which the last was over. */
function sinceOf(
  { about, wellSinceMs }: StatusSources,
  reasons: readonly StatusReason[],
): string {
  const [oldest] = reasons.map(({ since }) => since).sort();
  return oldest ?? isoTime(wellSinceMs() ?? about.startedAtMs);
}

function timeOrNull(ms: Moment): string | null {
  return ms === undefined ? null : isoTime(ms);
}
