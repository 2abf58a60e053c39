/**
 * The smaller request and answer bodies of dialect 2.
 *
 * Requests are strict, as the published control plane refuses members it does
 * not know; answers are not.
 *
 * @see docs/wire.md, sections h.1, h.6 and h.7
 */
import * as z from "zod/mini";
import { agentHealthSchema } from "../agent_health.ts";
import {
  announcedHeartbeat,
  announcedNames,
  announcedTrust,
} from "../bodies.ts";
import { UUID } from "../uuid.ts";

const nonEmpty = z.string().check(z.minLength(1));
const uuid = z.string().check(z.regex(UUID));
const key44 = z.string().check(z.length(44));

/** Form of a bootstrap token in dialect 2. */
export const BOOTSTRAP_TOKEN_2 =
  /^psb_[a-z]+_[a-z2-7]+_(node|bridge)_[a-z2-7]{20,}$/;

/** Names that secrets can have in dialect 2. */
export const SECRET_NAME_2 = /^[a-z][a-z0-9_-]{0,62}$/;

/** Keys that reports can have in dialect 2. */
export const REPORT_KEY_2 = /^[a-z][a-z0-9._-]{0,127}$/;

/** Most bytes of a report's value. */
export const MAX_REPORT_VALUE_BYTES = 4096;

export const registerRequest2Schema = z.strictObject({
  project_id: uuid,
  resource_handle: z.string().check(z.minLength(1), z.maxLength(4096)),
  bootstrap_token: nonEmpty,
  nonce: nonEmpty,
  public_key: key44,
  requested_resource_id: z.optional(nonEmpty),
});
export type RegisterRequest2 = z.infer<typeof registerRequest2Schema>;

/** `domain_id` comes from plexd's own control plane only. */
export const registerResponse2Schema = z.object({
  node_id: uuid,
  mesh_ip: nonEmpty,
  signing_public_key: nonEmpty,
  signing_key_id: nonEmpty,
  nsk: nonEmpty,
  domain_mesh_cidr: z.optional(z.string()),
  domain_id: z.optional(nonEmpty),
  ...announcedTrust,
  ...announcedHeartbeat,
  ...announcedNames,
});
export type RegisterResponse2 = z.infer<typeof registerResponse2Schema>;

/** `binary_checksum` is 64 hex or 44 base64 characters. */
export const heartbeatRequest2Schema = z.strictObject({
  client_now: z.string(),
  binary_checksum: z.string(),
  binary_version: z.string(),
  nat_summary: z.record(z.string(), z.unknown()),
  /** Only where it was announced. */
  agent: z.optional(agentHealthSchema),
});
export type HeartbeatRequest2 = z.infer<typeof heartbeatRequest2Schema>;

/** A hint that is absent counts as false. */
export const heartbeatResponse2Schema = z.object({
  accepted_at: z.optional(z.string()),
  reconcile: z._default(z.boolean(), false),
  rotate_keys: z._default(z.boolean(), false),
});
export type HeartbeatResponse2 = z.infer<typeof heartbeatResponse2Schema>;

export const keyRotateRequest2Schema = z.strictObject({
  new_public_key: nonEmpty,
});
export type KeyRotateRequest2 = z.infer<typeof keyRotateRequest2Schema>;

export const keyRotateResponse2Schema = z.object({
  rotation_id: nonEmpty,
  kid: z.optional(z.string()),
  wrap_key_version: z.optional(z.int()),
});
export type KeyRotateResponse2 = z.infer<typeof keyRotateResponse2Schema>;

export const NAT_TYPES_2 = [
  "full_cone",
  "restricted",
  "port_restricted",
  "symmetric",
  "unknown",
] as const;

export const endpointReport2Schema = z.strictObject({
  endpoint: nonEmpty,
  nat_type: z.enum(NAT_TYPES_2),
  reported_at: z.string(),
});
export type EndpointReport2 = z.infer<typeof endpointReport2Schema>;

export const endpointResponse2Schema = z.object({
  accepted_at: z.optional(z.string()),
  stale_after: z.optional(z.string()),
});
export type EndpointResponse2 = z.infer<typeof endpointResponse2Schema>;

/** At most 32 KiB as JSON. `binary_checksum` is base64 of 32 bytes. */
export const capabilities2Schema = z.strictObject({
  binary_version: nonEmpty,
  binary_checksum: key44,
  ssh_host_key_fingerprint: z.optional(z.string()),
  declared_hooks: z.optional(z.array(z.strictObject({
    name: nonEmpty,
    checksum: z.string(),
  }))),
  plexd_hooks: z.optional(z.array(z.unknown())),
});
export type Capabilities2 = z.infer<typeof capabilities2Schema>;

/** `value` is the report's payload as JSON text. */
export const putReport2Schema = z.strictObject({
  value: z.string(),
  workload_tag: z.optional(z.string()),
});
export type PutReport2 = z.infer<typeof putReport2Schema>;

export const putReportResponse2Schema = z.object({
  accepted_at: z.optional(z.string()),
  key: z.optional(z.string()),
});

/** How far an execution can be. `ack` and `started` are on the way. */
export const EXECUTION_STEPS_2 = [
  "ack",
  "started",
  "succeeded",
  "failed",
  "cancelled",
] as const;
export type ExecutionStep2 = typeof EXECUTION_STEPS_2[number];

/** Most bytes of output that travel within the callback. */
export const MAX_INLINE_OUTPUT_BYTES = 16 * 1024;

export const executionCallback2Schema = z.strictObject({
  status: z.enum(EXECUTION_STEPS_2),
  exit_code: z.optional(z.int()),
  error: z.optional(z.string()),
  declared_output_bytes: z.optional(z.int()),
  output: z.optional(z.strictObject({
    inline: z.optional(z.string()),
    object_key: z.optional(z.string()),
    sha256: z.optional(z.string()),
  })),
});
export type ExecutionCallback2 = z.infer<typeof executionCallback2Schema>;

/** Where output that is too long to be inline goes; absent when it is short. */
export const executionAnswer2Schema = z.object({
  upload_url: z.optional(z.string()),
  object_key: z.optional(z.string()),
});

export const METRIC_GROUPS_2 = [
  "node_resources",
  "tunnel_health",
  "peer_latency",
  "agent_stats",
] as const;

export const metric2Schema = z.strictObject({
  group: z.enum(METRIC_GROUPS_2),
  name: nonEmpty,
  value: z.number(),
  labels: z.optional(z.record(z.string(), z.string())),
  timestamp: z.string(),
});
export type Metric2 = z.infer<typeof metric2Schema>;

export const log2Schema = z.strictObject({
  severity: z.string(),
  message: z.string(),
  timestamp: z.string(),
  unit: z.optional(z.string()),
  hostname: z.optional(z.string()),
});
export type Log2 = z.infer<typeof log2Schema>;

export const audit2Schema = z.strictObject({
  source: z.enum(["auditd", "k8s"]),
  action: z.string(),
  outcome: z.string(),
  timestamp: z.string(),
});
export type Audit2 = z.infer<typeof audit2Schema>;

/** Header of every ingest call: when it was sent, RFC 3339. */
export const SENT_AT_HEADER = "x-plexsphere-sent-at";

/** Headers of a secret's answer. */
export const SECRET_VERSION_HEADER = "x-plexsphere-secret-version";
export const SECRET_KID_HEADER = "x-plexsphere-secret-kid";
export const API_VERSION_HEADER = "x-plexsphere-api-version";

export const NDJSON_MEDIA_TYPE = "application/x-ndjson";
