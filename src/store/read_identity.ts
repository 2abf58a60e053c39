import { readIfThere, systemDisk } from "./disk.ts";
import { membershipPaths } from "./folders.ts";
import type { PublicIdentity } from "./identity.ts";
import {
  decodeIdentity,
  IDENTITY_FILE,
  SECRET_KEY_FILE,
} from "./identity_file.ts";
import type { SealKeySource } from "./seal_key.ts";
import { DamagedSealError, unsealText } from "./sealed_file.ts";
import { CorruptIdentityError } from "./store_errors.ts";
import { sha256 } from "./summed_json.ts";

/** Options for {@linkcode readIdentity}. */
export interface ReadIdentityOptions {
  readonly dataDir: string;
  readonly cluster: string;
  readonly seal: SealKeySource;
}

/** Who a node is, and what it shows to the control plane. */
export interface StoredCredentials {
  readonly identity: PublicIdentity;
  /** Text as received. */
  readonly nodeSecretKey: string;
}

/** An agent that joins anew meanwhile replaces both files; once is rare enough. */
const TRIES = 3;

/**
 * Reads a node's identity without its lock and without any change, so that a
 * command can call the control plane while the agent runs.
 *
 * @returns undefined when this node is not registered.
 * @throws {CorruptIdentityError} when it is there, but not as it was written.
 * @throws {SealKeyError} when the key that opens it is not at hand.
 * @throws {Error} of the system when the files cannot be read.
 */
export async function readIdentity(
  { dataDir, cluster, seal }: ReadIdentityOptions,
): Promise<StoredCredentials | undefined> {
  const { root } = membershipPaths(dataDir, cluster);
  const found = readPair(root);
  if (!found) return undefined;
  const place = { cluster, role: "node_secret_key" } as const;
  const key = await seal({ exists: true });
  try {
    const nodeSecretKey = await unsealText(key, place, found.sealed);
    return { identity: found.identity, nodeSecretKey };
  } catch (error) {
    if (!(error instanceof DamagedSealError)) throw error;
    throw new CorruptIdentityError(SECRET_KEY_FILE, error.message, error);
  }
}

function readPair(root: string): {
  readonly identity: PublicIdentity;
  readonly sealed: Uint8Array<ArrayBuffer>;
} | undefined {
  for (let left = TRIES; left > 0; left--) {
    const bytes = readIfThere(systemDisk, `${root}/${IDENTITY_FILE}`);
    if (!bytes) return undefined;
    const { identity, sealed: sums } = decodeIdentity(bytes);
    const sealed = readIfThere(systemDisk, `${root}/${SECRET_KEY_FILE}`);
    if (sealed && sha256(sealed) === sums.nodeSecretKey) {
      return { identity, sealed };
    }
  }
  throw new CorruptIdentityError(
    SECRET_KEY_FILE,
    "it does not belong to the identity",
  );
}
