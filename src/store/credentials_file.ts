import * as z from "zod/mini";
import {
  type CarrierCredentials,
  carrierCredentialsSchema,
} from "../wire/carrier_credentials.ts";
import type { Dialect } from "../wire/dialect.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import { membershipPaths } from "./folders.ts";
import type { Identity } from "./identity.ts";
import type { SealKey } from "./seal_key.ts";
import { checkSum, sha256, withSum } from "./summed_json.ts";

/** Path of the sealed credentials, below the membership's folder. */
export const CREDENTIALS_FILE = "identity/credentials.json";
/** Says that there were credentials: without them the node has been signed off. */
export const ENROLLED_MARK = "identity/enrolled.json";

/**
 * What an enrolled node shows, and to whom. The keys themselves are beside it,
 * each sealed for itself; here is only which one is meant.
 */
export interface Credentials {
  /** Base URL of the control plane that issued them. */
  readonly url: string;
  readonly dialect: Dialect;
  readonly nodeId: string;
  /** What people call the node and its domain, as far as it was told. */
  readonly nodeName?: string;
  readonly domainId?: string;
  readonly domainName?: string;
  readonly key: {
    /** What opens the node's sealed keys. */
    readonly source: SealKey["source"];
    /** {@linkcode keyFingerprint} of the node's secret key. */
    readonly fingerprint: string;
  };
  /** Short-lived credentials of a second carrier, expired ones included. */
  readonly carrier?: CarrierCredentials;
}

const schema = z.object({
  format: z.literal(1),
  url: z.string(),
  dialect: z.union([z.literal(1), z.literal(2)]),
  node_id: z.string().check(z.minLength(1)),
  node_name: z.optional(z.string()),
  domain_id: z.optional(z.string()),
  domain_name: z.optional(z.string()),
  key: z.object({
    source: z.enum(["credential", "file"]),
    fingerprint: z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/)),
  }),
  carrier: z.optional(carrierCredentialsSchema),
});

/** Names a node's secret key without a word of it. */
export function keyFingerprint(nodeSecretKey: string): string {
  return `sha256:${sha256(nodeSecretKey)}`;
}

/** The credentials of a node that has just been, or had long been, enrolled. */
export function credentialsOf(
  identity: Identity,
  source: SealKey["source"],
): Credentials {
  const { controlPlane: url, dialect, nodeId, domainId } = identity;
  const { nodeName, domainName } = identity;
  return {
    url,
    dialect,
    nodeId,
    ...(nodeName ? { nodeName } : {}),
    ...(domainId ? { domainId } : {}),
    ...(domainName ? { domainName } : {}),
    key: { source, fingerprint: keyFingerprint(identity.nodeSecretKey) },
  };
}

/** The text that is sealed; members without content are left out. */
export function encodeCredentials(credentials: Credentials): string {
  const { url, dialect, nodeId, nodeName, domainId, domainName } = credentials;
  const { key, carrier } = credentials;
  return JSON.stringify({
    format: 1,
    url,
    dialect,
    node_id: nodeId,
    node_name: nodeName || undefined,
    domain_id: domainId || undefined,
    domain_name: domainName || undefined,
    key: { source: key.source, fingerprint: key.fingerprint },
    carrier,
  });
}

/** @throws {ShapeError} */
export function decodeCredentials(text: string): Credentials {
  const file = parseShape("credentials", schema, text);
  return {
    url: file.url,
    dialect: file.dialect,
    nodeId: file.node_id,
    ...(file.node_name ? { nodeName: file.node_name } : {}),
    ...(file.domain_id ? { domainId: file.domain_id } : {}),
    ...(file.domain_name ? { domainName: file.domain_name } : {}),
    key: file.key,
    ...(file.carrier ? { carrier: file.carrier } : {}),
  };
}

const markSchema = z.object({
  format: z.literal(1),
  fingerprint: z.string(),
});

/** The bytes of the mark. */
export function encodeMark(fingerprint: string): Uint8Array<ArrayBuffer> {
  return withSum(JSON.stringify({ format: 1, fingerprint })).bytes;
}

/** Of which key a mark is; undefined for a damaged one. */
export function decodeMark(
  bytes: Uint8Array<ArrayBuffer>,
): string | undefined {
  const checked = checkSum(bytes);
  if (!checked) return undefined;
  try {
    return parseShape("mark", markSchema, checked.text).fingerprint;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return undefined;
  }
}

/**
 * Whether the credentials of a registered node were taken away, found out
 * without lock, key or change.
 */
export function isSignedOff(dataDir: string, cluster: string): boolean {
  const { root } = membershipPaths(dataDir, cluster);
  const has = (file: string) =>
    readIfThere(systemDisk, `${root}/${file}`) !== undefined;
  return has(ENROLLED_MARK) && !has(CREDENTIALS_FILE);
}
