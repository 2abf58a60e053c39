/**
 * What nodes are answered, in either dialect: the shapes that the published
 * document shows. Tests hold real answers against them.
 *
 * @see docs/wire.md, sections a and h; seed Reconciliation pull, "OpenAPI
 * cross-reference"
 */
import * as z from "zod/mini";
import {
  heartbeatResponseSchema,
  registerResponseSchema,
} from "../../wire/bodies.ts";
import { carrierCredentialsSchema } from "../../wire/carrier_credentials.ts";
import { dataEntrySchema } from "../../wire/data_entry.ts";
import {
  heartbeatResponse2Schema,
  registerResponse2Schema,
} from "../../wire/dialect2/bodies.ts";
import { snapshotSchema } from "../../wire/signed_snapshot.ts";
import { bundleSchema } from "../../wire/trust_bundle.ts";
import { UUID } from "../../wire/uuid.ts";
import { PROBLEM_CODES } from "../http/problem_codes.ts";

const id = z.string().check(z.regex(UUID));
const text = z.string();
/** RFC 3339. */
const time = z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/));
const count = z.int().check(z.nonnegative());
const opaque = z.looseObject({});

export const problem = z.object({
  type: z.literal("about:blank"),
  title: text,
  status: z.int(),
  detail: text,
  instance: text,
  code: z.enum(PROBLEM_CODES),
});

export const accepted = z.object({ accepted: z.literal(true) });
export const acceptedCount = z.object({ accepted: count });
export const acceptedAt = z.object({ accepted_at: time });

export const ping = z.object({ status: z.literal("ok"), version: text });
export const health = z.object({ status: z.literal("ok") });
export const readiness = z.object({
  status: z.enum(["ready", "not ready"]),
  reasons: z.array(text),
  message_bus: z.optional(z.enum(["connected", "away"])),
});

export const carrierCredentials = carrierCredentialsSchema;

/** A peer in dialect 1; a pre-shared key is never told. */
export const peer = z.object({
  id,
  public_key: text,
  mesh_ip: text,
  endpoint: text,
  allowed_ips: z.array(text),
  psk: z.literal(""),
});

export const nodeStatePeer = z.object({
  node_id: id,
  mesh_ip: text,
  public_key: z.string().check(z.length(44)),
  fallback_endpoint: z.optional(text),
});

export const trustBundle = bundleSchema;

export const registration = z.extend(registerResponseSchema, {
  domain_id: id,
  peers: z.array(peer),
  trust_bundle: bundleSchema,
});

export const registration2 = z.extend(registerResponse2Schema, {
  domain_mesh_cidr: text,
  domain_id: id,
  peer_snapshot: z.array(nodeStatePeer),
  trust_bundle: bundleSchema,
});

export const heartbeatHints = z.extend(heartbeatResponseSchema, {
  reconcile: z.boolean(),
  rotate_keys: z.boolean(),
});

export const heartbeatHints2 = z.extend(heartbeatResponse2Schema, {
  accepted_at: time,
  reconcile: z.boolean(),
  rotate_keys: z.boolean(),
});

export const serviceAssignment = z.object({
  name: text,
  roles: z.array(text),
  version: text,
  desired_state: z.enum(["running", "stopped"]),
  policy_refs: z.array(text),
  resource_refs: z.array(text),
  connector_refs: z.array(text),
  expires_at: z.optional(time),
});

export const secretRef = z.object({ key: text, version: count });

export const signingKeys = z.object({
  current: text,
  previous: z.optional(text),
  transition_expires: z.optional(time),
});

/** The answer of a pull in dialect 1. */
export const stateDocument = z.object({
  node_id: id,
  epoch: count,
  state_version: count,
  peers: z.array(peer),
  policies: z.array(z.object({ id: text, rules: z.array(opaque) })),
  signing_keys: signingKeys,
  metadata: z.record(text, text),
  data: z.array(dataEntrySchema),
  secret_refs: z.array(secretRef),
  services: z.optional(z.array(serviceAssignment)),
});

export const nodeStateReachability = z.object({
  state: z.enum(["", "healthy", "stale", "unreachable"]),
  last_heartbeat_at: time,
  changed_at: time,
});

export const nodeStatePolicy = z.object({
  revision_id: text,
  fingerprint: text,
  rules: z.array(opaque),
});

const bridgePart = z.optional(z.nullable(opaque));

export const nodeStateBridge = z.object({
  relay: bridgePart,
  user_access: bridgePart,
  ingress: bridgePart,
  site_to_site: bridgePart,
});

export const nodeStateEntry = z.object({
  key: text,
  value: text,
  workload_tag: z.optional(text),
});

export const nodeStateReports = z.object({
  metadata: z.array(nodeStateEntry),
  data: z.array(nodeStateEntry),
  reports: z.array(nodeStateEntry),
});

export const nodeStateExecution = z.object({
  execution_id: id,
  action: text,
  type: z.enum(["builtin", "hook"]),
  parameters: z.record(text, text),
  status: z.enum(["pending", "ack", "started"]),
  requested_at: time,
  expires_at: time,
});

/** The answer of a pull in dialect 2: all is there, what is not set is null. */
export const nodeStateSnapshot = z.object({
  peers: z.array(nodeStatePeer),
  reachability: nodeStateReachability,
  policy: z.nullable(nodeStatePolicy),
  bridge: z.nullable(nodeStateBridge),
  state: nodeStateReports,
  reports: nodeStateReports,
  executions: z.array(nodeStateExecution),
  sessions: z.array(opaque),
  services: z.optional(z.array(serviceAssignment)),
});

export const signedSnapshot = snapshotSchema;

export const secret = z.object({
  key: text,
  ciphertext: text,
  nonce: text,
  version: count,
});

export const reportsTaken = z.object({ accepted: count, deleted: count });
export const reportTaken = z.object({ accepted_at: time, key: text });

export const rotatedPeers = z.object({ updated_peers: z.array(peer) });
export const rotated = z.object({
  rotation_id: text,
  kid: text,
  wrap_key_version: count,
});

export const peerEndpoints = z.object({
  peer_endpoints: z.array(z.object({ peer_id: id, endpoint: text })),
});
export const endpointTaken = z.object({ accepted_at: time, stale_after: time });

export const executionStep = z.object({
  status: text,
  upload_url: z.optional(text),
  object_key: z.optional(text),
});

export const recordsTaken = z.object({ accepted_at: time, records: count });

export const release = z.object({
  version: text,
  artifacts: z.array(z.object({
    os: text,
    arch: text,
    sha256: text,
    bytes: count,
  })),
});
