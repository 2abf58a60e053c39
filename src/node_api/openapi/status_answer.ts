import * as z from "zod/mini";
import { REPORT_SYNC_STATES } from "../../wire/report_sync.ts";
import { DEGRADED_REASONS } from "../../wire/status.ts";

const text = z.string();
const count = z.int().check(z.nonnegative());
/** RFC 3339. */
const time = z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/));
const maybeTime = z.nullable(time);
const maybeText = z.nullable(text);
const counts = z.record(z.string(), count);

const telemetryCounts = z.nullable(z.object({
  sent: count,
  dropped: count,
  buffered: count,
  last_error: maybeText,
}));

/**
 * What `GET /v1/status` answers; `src/wire/status.ts` says what members mean.
 * A test of types holds the two against each other.
 */
export const status = z.object({
  version: text,
  pid: count,
  started_at: time,
  cluster: text,
  node_id: text,
  mesh_ip: text,
  control_plane: text,
  status: z.enum(["ok", "degraded"]),
  since: time,
  reasons: z.array(z.object({
    reason: z.enum(DEGRADED_REASONS),
    since: time,
    detail: text,
    works: text,
    next_try_at: maybeTime,
  })),
  stale: z.boolean(),
  verified_at: maybeTime,
  stream: z.object({
    state: text,
    since: time,
    down_since: maybeTime,
    next_try_at: maybeTime,
    last_error: maybeText,
  }),
  carrier: z.exactOptional(z.object({
    active: z.nullable(z.enum(["sse", "nats", "pull"])),
    transport: z.enum(["sse", "nats", "auto"]),
    nats: z.exactOptional(z.object({
      state: text,
      since: time,
      next_try_at: maybeTime,
      last_error: maybeText,
      refused: count,
    })),
  })),
  last_event: z.exactOptional(z.nullable(z.object({
    type: text,
    at: time,
    reason: z.optional(text),
    carrier: z.optional(text),
  }))),
  credential: z.exactOptional(z.object({
    check: z.enum(["unknown", "ok", "invalid"]),
    at: maybeTime,
    fingerprint: z.nullable(text),
  })),
  carrier_credentials: z.exactOptional(z.nullable(z.object({
    state: text,
    expires_at: maybeTime,
    last_refresh_at: maybeTime,
    next_refresh_at: maybeTime,
    last_error: maybeText,
  }))),
  events: z.object({
    applied: count,
    repeated: count,
    last_applied_at: maybeTime,
    by_type: counts,
    rejected: counts,
    unsigned: z.exactOptional(z.nullable(z.object({ count, since: time }))),
  }),
  pull: z.object({
    last_success_at: maybeTime,
    last_error: maybeText,
    next_at: maybeTime,
  }),
  state: z.object({
    metadata: count,
    data: count,
    secrets: count,
    reports: count,
    epoch: z.nullable(count),
    version: z.nullable(count),
  }),
  caches: z.object({
    peers: count,
    peers_observed: count,
    routes: count,
    services: count,
  }),
  signed_state: z.object({
    snapshot: z.nullable(z.object({
      epoch: count,
      version: count,
      expires_at: time,
      refresh_due_at: time,
      activated_at: time,
      key_id: maybeText,
    })),
    trust_bundle_version: z.nullable(count),
  }),
  sync: z.object({
    pending: count,
    local_only: count,
    reports: z.exactOptional(z.record(z.enum(REPORT_SYNC_STATES), count)),
    last_success_at: maybeTime,
    last_error: maybeText,
    next_try_at: maybeTime,
  }),
  contact: z.object({
    last_heartbeat_at: maybeTime,
    last_contact_at: maybeTime,
    heartbeat_error: z.exactOptional(maybeText),
  }),
  store: z.object({
    recoveries: count,
    last_recovery: z.nullable(z.object({
      at: time,
      file: text,
      what: text,
      action: text,
    })),
    restored: z.boolean(),
  }),
  agent: z.object({
    install_id: text,
    last_stop: z.nullable(z.object({
      at: maybeTime,
      clean: z.boolean(),
      failed: z.boolean(),
    })),
    features: z.array(text),
    last_diagnostics: z.nullable(z.object({
      kind: z.enum(["diag", "store_verify"]),
      at: time,
      outcome: z.enum(["ok", "findings", "failed"]),
    })),
  }),
  identity: z.object({
    membership_id: maybeText,
    domain_id: maybeText,
    node_name: maybeText,
    domain_name: maybeText,
    enrollment: z.enum(["enrolled", "refused", "not_enrolled"]),
    enrolled_at: maybeTime,
    seal_ref: maybeText,
    client_certificate: z.nullable(z.object({
      subject: text,
      fingerprint: text,
      not_after: time,
      state: z.enum(["valid", "expires_soon", "expired"]),
    })),
    revocations: count,
  }),
  resources: z.nullable(z.object({
    at: time,
    short: z.array(z.enum(["disk", "memory", "descriptors"])),
    disk: z.nullable(z.object({ free_bytes: count, total_bytes: count })),
    memory: z.nullable(z.object({
      some_percent: z.number(),
      full_percent: z.number(),
    })),
    descriptors: z.nullable(z.object({ open: count, limit: count })),
  })),
  safe_until: maybeTime,
  updates: z.object({
    current_since: maybeTime,
    pending: z.nullable(z.object({ version: text, since: time })),
    canary_group: maybeText,
    rollback_version: maybeText,
    last: z.nullable(z.object({
      version: text,
      outcome: text,
      at: time,
      detail: text,
    })),
  }),
  tasks: z.object({
    actions_running: count,
    results_unreported: count,
    key_rotation: z.object({
      last_at: maybeTime,
      pending_since: maybeTime,
      last_error: maybeText,
      next_try_at: maybeTime,
    }),
  }),
  telemetry: z.object({
    metrics: telemetryCounts,
    logs: telemetryCounts,
    audit: telemetryCounts,
  }),
  watchers: z.object({ open: count, dropped: count, refused: count }),
  listeners: z.exactOptional(z.array(z.object({
    name: z.string(),
    open: z.boolean(),
    connections: z.nullable(count),
    reopened: count,
    refused: z.record(z.string(), count),
  }))),
});
