import type { DegradedReason, StatusDocument } from "../../wire/status.ts";

/** One look at one thing. */
export interface ReadinessCheck {
  readonly name: "identity" | "state" | "store" | "freshness" | "listeners";
  readonly ok: boolean;
  /** Machine-readable, comma-separated; may say something while `ok`, too. */
  readonly reason: string | null;
}

/** What `GET /readyz` answers: 200 if ready, else 503. */
export interface ReadinessDocument {
  readonly status: "ready" | "not ready";
  readonly checks: readonly ReadinessCheck[];
}

/** What readiness is judged by. */
export interface ReadinessSources {
  status(): StatusDocument;
  /** Why no state must be served now, if so. */
  refusal?(): DegradedReason | undefined;
  /** Listeners that do not accept. */
  closedListeners(): readonly string[];
}

/**
 * Whether a program can do its work with this agent: the node has joined, there
 * is state that the control plane has confirmed at least once and that may be
 * served, reports can be written, and every listener accepts.
 *
 * What the control plane does now does not count, whether it is away or refuses
 * the node: serving the last verified state meanwhile is what the agent is for,
 * and if it did count, one outage there would take every node out of service.
 * It is shown as a reason all the same.
 */
export function readinessOf(sources: ReadinessSources): ReadinessDocument {
  const status = sources.status();
  const raised = new Set(status.reasons.map(({ reason }) => reason));
  const among = (...reasons: DegradedReason[]) =>
    reasons.filter((reason) => raised.has(reason));
  const refusal = sources.refusal?.();
  const isVerified = status.verified_at !== null ||
    status.signed_state.snapshot !== null;
  const checks: ReadinessCheck[] = [
    check(
      "identity",
      among("not_enrolled"),
      among("unauthorized", "credentials_invalid"),
    ),
    check(
      "state",
      isVerified ? refusal ? [refusal] : [] : ["never_verified"],
      among(
        "snapshot_expired",
        "unsigned_state",
        "key_change_unconfirmed",
        "equivocation",
        "insecure_tls",
      ),
    ),
    check(
      "store",
      among("store_read_only", "disk_full"),
      among("corruption_recovered"),
    ),
    check("freshness", [], [
      ...(status.stale ? ["stale"] : []),
      ...among("control_plane_unreachable", "clock_skew"),
    ]),
    check("listeners", sources.closedListeners().length > 0 ? ["closed"] : []),
  ];
  const isReady = checks.every(({ ok }) => ok);
  return { status: isReady ? "ready" : "not ready", checks };
}

/** @param shown What is worth knowing, and does not make it fail. */
function check(
  name: ReadinessCheck["name"],
  failed: readonly string[],
  shown: readonly string[] = [],
): ReadinessCheck {
  const reasons = new Set([...failed, ...shown]);
  return {
    name,
    ok: failed.length === 0,
    reason: reasons.size === 0 ? null : [...reasons].join(","),
  };
}
