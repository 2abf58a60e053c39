import type { CallRate } from "./call_rates.ts";
import type { Services } from "./services.ts";
import type { Node } from "./storage/storage.ts";
import { SEALED } from "./vault.ts";

/**
 * How often a node may read secrets, in either dialect: its workloads may all
 * start at once, each with its secrets.
 */
export const SECRET_READS: CallRate = { burst: 300, pauseMs: 100 };

const NONCE_BYTES = 12;

/** A secret as only its node can read it: AES-256-GCM without extra data. */
export interface EncryptedSecret {
  readonly nonce: Uint8Array<ArrayBuffer>;
  /** With the tag behind it. */
  readonly ciphertext: Uint8Array<ArrayBuffer>;
  readonly version: number;
  /** The node's secret key, which it is encrypted with. */
  readonly nodeKey: Uint8Array<ArrayBuffer>;
}

/**
 * Takes a secret out of the vault and encrypts it for a node.
 *
 * @returns undefined when there is none under that key.
 * @see docs/wire.md, sections d.2 and d.3
 */
export async function openSecret(
  { storage, vault, io }: Pick<Services, "storage" | "vault" | "io">,
  node: Node,
  key: string,
): Promise<EncryptedSecret | undefined> {
  const stored = await storage.read(async (rows) =>
    await rows.secrets.get(node.id, key)
  );
  if (!stored) return undefined;
  const value = await vault.unseal(SEALED.secret(node.id, key), stored.sealed);
  const nodeKey = await vault.unseal(SEALED.nodeKey(node.id), node.sealedKey);
  const nonce = io.random.bytes(NONCE_BYTES);
  const cipher = await crypto.subtle.importKey(
    "raw",
    nodeKey,
    "AES-GCM",
    false,
    ["encrypt"],
  );
  const ciphertext = new Uint8Array(
    await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, cipher, value),
  );
  return { nonce, ciphertext, version: stored.version, nodeKey };
}
