import * as z from "zod/mini";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { checkSum, sha256, withSum } from "./summed_json.ts";

/** What a backup is of, and what it holds. */
export interface Backup {
  /** RFC 3339 text. */
  readonly createdAt: string;
  readonly cluster: string;
  /** Null when the node had not joined. */
  readonly nodeId: string | null;
  /** Bytes of files by their path below the membership's folder. */
  readonly members: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** A backup cannot be made, or cannot be used. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

/** What may be in a backup; never keys of the node unless it was asked for. */
const KINDS = [
  /^trust\/(?:keys\.json|marks\.json|bundle\.json|seen\.log)$/,
  /^snapshots\/(?:active\.json|\d+-\d+\.sealed)$/,
  /^state\/(?:\.sums|metadata\.json|secrets\.json)$/,
  /^state\/(?:data|report)\/[^/]+\.json$/,
  /^peers\/directory\.json$/,
  /^peers\/observations\.json$/,
  /^services\/assignments\.json$/,
  /^sync\/reports\.json$/,
  /^executions\/(?:open|done)-[^/]+\.json$/,
  /^telemetry\/sessions\.json$/,
  /^identity\/spent-tokens\.json$/,
];

/** What tells who the node is, and proves it. */
const IDENTITY = /^identity\/(?:(?:identity|rotation)\.json|\w+_key\.sealed)$/;

/** Whether a file belongs into a backup. */
export function isMember(file: string, includeIdentity: boolean): boolean {
  return KINDS.some((kind) => kind.test(file)) ||
    (includeIdentity && isIdentityFile(file));
}

/** Whether a file is a part of the node's identity. */
export function isIdentityFile(file: string): boolean {
  return IDENTITY.test(file) && !file.includes("pending");
}

const backupSchema = z.object({
  format: z.literal(1),
  kind: z.literal("plexd-backup"),
  created_at: z.string(),
  cluster: z.string(),
  node_id: z.nullable(z.string()),
  members: z.array(z.object({
    file: z.string(),
    sha256: z.string(),
    content: z.string(),
  })),
});

/** The bytes of a backup: JSON with a SHA-256 of each member and of the whole. */
export function encodeBackup(
  { createdAt, cluster, nodeId, members }: Backup,
): Uint8Array<ArrayBuffer> {
  return withSum(JSON.stringify({
    format: 1,
    kind: "plexd-backup",
    created_at: createdAt,
    cluster,
    node_id: nodeId,
    members: [...members].map(([file, bytes]) => ({
      file,
      sha256: sha256(bytes),
      content: encodeBase64(bytes),
    })),
  })).bytes;
}

/** @throws {BackupError} unless every byte is as it was written. */
export function decodeBackup(bytes: Uint8Array<ArrayBuffer>): Backup {
  const checked = checkSum(bytes);
  if (!checked) {
    throw new BackupError("it is no backup, or damaged: its sum is wrong");
  }
  try {
    const file = parseShape("backup", backupSchema, checked.text);
    return {
      createdAt: file.created_at,
      cluster: file.cluster,
      nodeId: file.node_id,
      members: new Map(file.members.map((one) => [one.file, contentOf(one)])),
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new BackupError(error.message, { cause: error });
  }
}

/** Its name decides where it is written, so it must be one of those known. */
function contentOf(
  { file, sha256: sum, content }: {
    readonly file: string;
    readonly sha256: string;
    readonly content: string;
  },
): Uint8Array<ArrayBuffer> {
  if (!isMember(file, true)) {
    throw new BackupError(
      `it holds ${JSON.stringify(file)}, which no backup has`,
    );
  }
  const bytes = decodeBase64(content);
  if (!bytes || sha256(bytes) !== sum) {
    throw new BackupError(`${file} in it is damaged`);
  }
  return bytes;
}
