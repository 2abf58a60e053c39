/**
 * The smaller request and answer bodies of dialect 1.
 *
 * @see docs/wire.md, sections a.4, a.6, d.2, e.1 to e.3
 */
import * as z from "zod/mini";
import { agentHealthSchema } from "./agent_health.ts";
import { wirePeerSchema } from "./wire_peer.ts";

const nonEmpty = z.string().check(z.minLength(1));

export const registerRequestSchema = z.object({
  token: nonEmpty,
  public_key: nonEmpty,
  hostname: z.string(),
  metadata: z.optional(z.record(z.string(), z.string())),
});
export type RegisterRequest = z.infer<typeof registerRequestSchema>;

/** What plexd's own control plane says of signed states, in either dialect. */
export const announcedTrust = {
  trust_root: z.optional(nonEmpty),
  trust_bundle: z.optional(z.record(z.string(), z.unknown())),
  snapshots: z.optional(z.enum(["required", "offered"])),
};

/** What plexd's own control plane takes in heartbeats, in either dialect. */
export const announcedHeartbeat = {
  heartbeat_agent: z.optional(z.boolean()),
};

/** What people call node and domain; plexd's own control plane alone says it. */
export const announcedNames = {
  node_name: z.optional(z.string()),
  domain_name: z.optional(z.string()),
};

/** `domain_id` comes from plexd's own control plane only. */
export const registerResponseSchema = z.object({
  node_id: nonEmpty,
  mesh_ip: nonEmpty,
  signing_public_key: nonEmpty,
  node_secret_key: nonEmpty,
  domain_id: z.optional(nonEmpty),
  ...announcedTrust,
  ...announcedHeartbeat,
  ...announcedNames,
});
export type RegisterResponse = z.infer<typeof registerResponseSchema>;

export const heartbeatRequestSchema = z.object({
  node_id: z.string(),
  timestamp: z.string(),
  status: z.string(),
  uptime: z.string(),
  binary_checksum: z.string(),
  nat: z.optional(z.object({ public_endpoint: z.string(), type: z.string() })),
  /** Only where it was announced. */
  agent: z.optional(agentHealthSchema),
});
export type HeartbeatRequest = z.infer<typeof heartbeatRequestSchema>;

/** A hint that is absent counts as false. */
export const heartbeatResponseSchema = z.object({
  reconcile: z._default(z.boolean(), false),
  rotate_keys: z._default(z.boolean(), false),
});
export type HeartbeatResponse = z.infer<typeof heartbeatResponseSchema>;

/** A secret as it travels: base64 of ciphertext with tag, and of the nonce. */
export const secretResponseSchema = z.object({
  key: nonEmpty,
  ciphertext: z.string(),
  nonce: z.string(),
  version: z.int().check(z.nonnegative()),
});
export type SecretResponse = z.infer<typeof secretResponseSchema>;

/** What a reconcile found to correct, in the order of wire.md e.3. */
export const CORRECTION_TYPES = [
  "peer_added",
  "peer_removed",
  "peer_updated",
  "policy_added",
  "policy_removed",
  "policy_updated",
  "signing_keys_updated",
  "metadata_updated",
  "data_updated",
  "secret_refs_updated",
] as const;

export const correctionSchema = z.object({
  type: z.enum(CORRECTION_TYPES),
  detail: z.string(),
});
export type Correction = z.infer<typeof correctionSchema>;

export const driftReportSchema = z.object({
  timestamp: z.string(),
  corrections: z.array(correctionSchema),
});
export type DriftReport = z.infer<typeof driftReportSchema>;

export const keyRotateRequestSchema = z.object({
  node_id: nonEmpty,
  new_public_key: nonEmpty,
});
export type KeyRotateRequest = z.infer<typeof keyRotateRequestSchema>;

export const keyRotateResponseSchema = z.object({
  updated_peers: z.nullish(z.array(wirePeerSchema)),
});
export type KeyRotateResponse = z.infer<typeof keyRotateResponseSchema>;

export { NAT_TYPES, type NatType } from "./nat_types.ts";

/** `public_endpoint` is `ip:port`. */
export const endpointReportSchema = z.object({
  public_endpoint: nonEmpty,
  nat_type: z.string(),
});
export type EndpointReport = z.infer<typeof endpointReportSchema>;

/** An entry whose endpoint is empty says nothing. */
export const endpointResponseSchema = z.object({
  peer_endpoints: z.nullish(z.array(z.object({
    peer_id: nonEmpty,
    endpoint: z.nullish(z.string()),
  }))),
});
export type EndpointResponse = z.infer<typeof endpointResponseSchema>;

const actionSchema = z.object({
  name: nonEmpty,
  description: z.string(),
  parameters: z.nullable(z.array(z.object({
    name: z.string(),
    type: z.string(),
    required: z.boolean(),
    description: z.string(),
  }))),
});

const hookSchema = z.extend(actionSchema, {
  source: z.string(),
  checksum: z.string(),
  timeout: z.string(),
  sandbox: z.string(),
});

/**
 * What a node can do. Agents in Go write a list that holds nothing as null.
 *
 * @see docs/wire.md, sections a.1 and a.6
 */
export const capabilitiesSchema = z.object({
  binary: z.optional(z.object({ version: z.string(), checksum: z.string() })),
  builtin_actions: z.nullable(z.array(actionSchema)),
  hooks: z.nullable(z.array(hookSchema)),
});

/** What this agent tells of itself. */
export interface Capabilities extends z.infer<typeof capabilitiesSchema> {
  readonly builtin_actions: z.infer<typeof actionSchema>[];
  readonly hooks: z.infer<typeof hookSchema>[];
}

/** Why a node does not run what it was asked to. */
export const REJECT_REASONS = [
  "shutting_down",
  "duplicate_execution_id",
  "max_concurrent_reached",
  "unknown_action",
  "actions_disabled",
] as const;
export type RejectReason = typeof REJECT_REASONS[number];

/** `reason` is empty when accepted. */
export const executionAckSchema = z.object({
  execution_id: nonEmpty,
  status: z.enum(["accepted", "rejected"]),
  reason: z.string(),
});
export type ExecutionAck = z.infer<typeof executionAckSchema>;

/** How an execution can end. */
export const EXECUTION_STATUSES = [
  "success",
  "failed",
  "error",
  "timeout",
  "cancelled",
] as const;
export type ExecutionStatus = typeof EXECUTION_STATUSES[number];

/** `duration` is Go text, such as `1m2.5s`. */
export const executionResultSchema = z.object({
  execution_id: nonEmpty,
  status: z.enum(EXECUTION_STATUSES),
  exit_code: z.int(),
  stdout: z.string(),
  stderr: z.string(),
  duration: z.string(),
  finished_at: z.string(),
  triggered_by: z.optional(z.object({
    type: z.string(),
    session_id: z.string(),
    user_id: z.string(),
    email: z.string(),
  })),
});
export type ExecutionResult = z.infer<typeof executionResultSchema>;

/** Data of a metric of group `system`. What a node cannot read is absent. */
export const systemDataSchema = z.object({
  cpu_usage_percent: z.optional(z.number()),
  memory_used_bytes: z.optional(z.int()),
  memory_total_bytes: z.optional(z.int()),
  disk_used_bytes: z.optional(z.int()),
  disk_total_bytes: z.optional(z.int()),
  network_rx_bytes: z.optional(z.int()),
  network_tx_bytes: z.optional(z.int()),
});
export type SystemData = z.infer<typeof systemDataSchema>;

export const metricSchema = z.object({
  timestamp: z.string(),
  group: nonEmpty,
  peer_id: z.optional(z.string()),
  data: z.unknown(),
});
export type Metric = z.infer<typeof metricSchema>;

/** Severities of the system log, from the worst. @see RFC 5424 */
export const SEVERITIES = [
  "emerg",
  "alert",
  "crit",
  "err",
  "warning",
  "notice",
  "info",
  "debug",
] as const;

export const logEntrySchema = z.object({
  timestamp: z.string(),
  source: z.string(),
  unit: z.string(),
  message: z.string(),
  severity: z.enum(SEVERITIES),
  hostname: z.string(),
});
export type LogEntry = z.infer<typeof logEntrySchema>;

export const auditEntrySchema = z.object({
  timestamp: z.string(),
  source: z.string(),
  event_type: z.string(),
  subject: z.unknown(),
  object: z.unknown(),
  action: z.string(),
  result: z.enum(["success", "failure"]),
  hostname: z.string(),
  raw: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;
