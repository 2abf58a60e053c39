import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import type { PublicIdentity } from "./identity.ts";
import { CorruptIdentityError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";

/** Paths below the membership's folder. */
export const IDENTITY_FILE = "identity/identity.json";
export const PRIVATE_KEY_FILE = "identity/private_key.sealed";
export const SECRET_KEY_FILE = "identity/node_secret_key.sealed";
export const PENDING_FILE = "identity/pending.json";
export const PENDING_KEY_FILE = "identity/pending_private_key.sealed";

/** SHA-256 of the sealed files that an identity belongs to. */
export interface SealedSums {
  readonly privateKey: string;
  readonly nodeSecretKey: string;
}

/** What the identity file holds: everything that is no secret. */
export interface StoredIdentity {
  readonly identity: PublicIdentity;
  readonly sealed: SealedSums;
}

const identitySchema = z.object({
  format: z.literal(1),
  node_id: z.string().check(z.minLength(1)),
  mesh_ip: z.string().check(z.minLength(1)),
  domain_id: z.optional(z.string()),
  node_name: z.optional(z.string()),
  domain_name: z.optional(z.string()),
  heartbeat_agent: z.optional(z.boolean()),
  dialect: z.union([z.literal(1), z.literal(2)]),
  signing_key_id: z.optional(z.string()),
  control_plane: z.string(),
  enrolled_at: z.string(),
  public_key: z.string(),
  signing_public_key: z.string(),
  private_key_sha256: z.string(),
  node_secret_key_sha256: z.string(),
});

/** The bytes of the identity file. */
export function encodeIdentity(
  identity: PublicIdentity,
  sealed: SealedSums,
): Uint8Array<ArrayBuffer> {
  return withSum(JSON.stringify({
    format: 1,
    node_id: identity.nodeId,
    mesh_ip: identity.meshIp,
    domain_id: identity.domainId,
    node_name: identity.nodeName,
    domain_name: identity.domainName,
    heartbeat_agent: identity.heartbeatAgent,
    dialect: identity.dialect,
    signing_key_id: identity.signingKeyId,
    control_plane: identity.controlPlane,
    enrolled_at: identity.enrolledAt,
    public_key: identity.publicKey,
    signing_public_key: identity.signingPublicKey,
    private_key_sha256: sealed.privateKey,
    node_secret_key_sha256: sealed.nodeSecretKey,
  })).bytes;
}

/**
 * Reads the identity file.
 *
 * @throws {CorruptIdentityError} unless every byte is as it was written.
 */
export function decodeIdentity(bytes: Uint8Array<ArrayBuffer>): StoredIdentity {
  const checked = checkSum(bytes);
  if (!checked) {
    throw new CorruptIdentityError(IDENTITY_FILE, "its sum is wrong");
  }
  try {
    const file = parseShape("identity", identitySchema, checked.text);
    return {
      identity: {
        nodeId: file.node_id,
        meshIp: file.mesh_ip,
        ...(file.domain_id === undefined ? {} : { domainId: file.domain_id }),
        ...(file.node_name ? { nodeName: file.node_name } : {}),
        ...(file.domain_name ? { domainName: file.domain_name } : {}),
        ...(file.heartbeat_agent ? { heartbeatAgent: true } : {}),
        dialect: file.dialect,
        ...(file.signing_key_id === undefined
          ? {}
          : { signingKeyId: file.signing_key_id }),
        controlPlane: file.control_plane,
        enrolledAt: file.enrolled_at,
        publicKey: file.public_key,
        signingPublicKey: file.signing_public_key,
      },
      sealed: {
        privateKey: file.private_key_sha256,
        nodeSecretKey: file.node_secret_key_sha256,
      },
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new CorruptIdentityError(IDENTITY_FILE, error.message);
  }
}
