/**
 * What of a document may be told: `true` for a text, number or boolean, a list
 * of one for all members of a list, `counts` for names with numbers. What is
 * not named is left out.
 */
export type Allowed =
  | true
  | "counts"
  | readonly [Allowed]
  | { readonly [name: string]: Allowed };

/** The part of a document that is allowed; anything else is left out. */
export function pick(value: unknown, allowed: Allowed): unknown {
  if (value === null) return null;
  if (allowed === true) return typeof value === "object" ? undefined : value;
  if (typeof value !== "object") return undefined;
  if (allowed === "counts") {
    return Object.fromEntries(
      Object.entries(value).filter(([, count]) => typeof count === "number"),
    );
  }
  if (isList(allowed)) {
    return Array.isArray(value)
      ? value.map((one) => pick(one, allowed[0]))
      : undefined;
  }
  return Object.fromEntries(
    Object.entries(allowed).flatMap(([name, inner]) => {
      const member = Object.getOwnPropertyDescriptor(value, name)?.value;
      const told = member === undefined ? undefined : pick(member, inner);
      return told === undefined ? [] : [[name, told]];
    }),
  );
}

function isList(allowed: Allowed): allowed is readonly [Allowed] {
  return Array.isArray(allowed);
}

const COUNTS = {
  sent: true,
  dropped: true,
  buffered: true,
  last_error: true,
} as const;

/** Of what an agent answers to `GET /v1/status`. */
export const STATUS: Allowed = {
  version: true,
  pid: true,
  started_at: true,
  cluster: true,
  node_id: true,
  mesh_ip: true,
  control_plane: true,
  last_event: { type: true, at: true, reason: true, carrier: true },
  credential: { check: true, at: true, fingerprint: true },
  status: true,
  since: true,
  reasons: [{
    reason: true,
    since: true,
    detail: true,
    works: true,
    next_try_at: true,
  }],
  stale: true,
  verified_at: true,
  stream: {
    state: true,
    since: true,
    down_since: true,
    next_try_at: true,
    last_error: true,
  },
  carrier: {
    active: true,
    transport: true,
    nats: {
      state: true,
      since: true,
      next_try_at: true,
      last_error: true,
      refused: true,
    },
  },
  carrier_credentials: {
    state: true,
    expires_at: true,
    last_refresh_at: true,
    next_refresh_at: true,
    last_error: true,
  },
  events: {
    applied: true,
    repeated: true,
    last_applied_at: true,
    by_type: "counts",
    rejected: "counts",
    unsigned: { count: true, since: true },
  },
  pull: { last_success_at: true, last_error: true, next_at: true },
  state: {
    metadata: true,
    data: true,
    secrets: true,
    reports: true,
    epoch: true,
    version: true,
  },
  caches: "counts",
  signed_state: {
    snapshot: {
      epoch: true,
      version: true,
      expires_at: true,
      refresh_due_at: true,
      activated_at: true,
      key_id: true,
    },
    trust_bundle_version: true,
  },
  sync: {
    pending: true,
    local_only: true,
    reports: "counts",
    last_success_at: true,
    last_error: true,
    next_try_at: true,
  },
  contact: {
    last_heartbeat_at: true,
    last_contact_at: true,
    heartbeat_error: true,
  },
  store: {
    recoveries: true,
    last_recovery: { at: true, file: true, what: true, action: true },
    restored: true,
  },
  agent: {
    install_id: true,
    last_stop: { at: true, clean: true, failed: true },
    features: [true],
    last_diagnostics: { kind: true, at: true, outcome: true },
  },
  identity: {
    membership_id: true,
    domain_id: true,
    enrollment: true,
    enrolled_at: true,
    seal_ref: true,
    client_certificate: {
      subject: true,
      fingerprint: true,
      not_after: true,
      state: true,
    },
    revocations: true,
  },
  resources: {
    at: true,
    short: [true],
    disk: "counts",
    memory: "counts",
    descriptors: "counts",
  },
  safe_until: true,
  updates: {
    current_since: true,
    pending: { version: true, since: true },
    canary_group: true,
    rollback_version: true,
    last: { version: true, outcome: true, at: true, detail: true },
  },
  tasks: {
    actions_running: true,
    results_unreported: true,
    key_rotation: {
      last_at: true,
      pending_since: true,
      last_error: true,
      next_try_at: true,
    },
  },
  watchers: "counts",
  telemetry: { metrics: COUNTS, logs: COUNTS, audit: COUNTS },
};

/** Of transitions. */
export const EVENTS: Allowed = [{
  type: true,
  at: true,
  reason: true,
  carrier: true,
}];
