/**
 * The smaller request and answer bodies of dialect 1.
 *
 * @see docs/wire.md, sections a.4, a.6, d.2, e.1 to e.3
 */
import * as z from "zod/mini";

const nonEmpty = z.string().check(z.minLength(1));

export const registerRequestSchema = z.object({
  token: nonEmpty,
  public_key: nonEmpty,
  hostname: z.string(),
  metadata: z.optional(z.record(z.string(), z.string())),
});
export type RegisterRequest = z.infer<typeof registerRequestSchema>;

/** `domain_id` comes from plexd's own control plane only. */
export const registerResponseSchema = z.object({
  node_id: nonEmpty,
  mesh_ip: nonEmpty,
  signing_public_key: nonEmpty,
  node_secret_key: nonEmpty,
  domain_id: z.optional(nonEmpty),
});
export type RegisterResponse = z.infer<typeof registerResponseSchema>;

export const heartbeatRequestSchema = z.object({
  node_id: z.string(),
  timestamp: z.string(),
  status: z.string(),
  uptime: z.string(),
  binary_checksum: z.string(),
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
