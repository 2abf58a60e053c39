import { encodeBase64 } from "../../src/wire/base64.ts";
import {
  contentHash,
  type SignedSnapshot,
  snapshotSignedText,
} from "../../src/wire/signed_snapshot.ts";
import { importSigningKey } from "../../src/trust/signing_key.ts";
import { VECTORS_NOW_MS } from "../vectors/load.ts";
import { publicKeyOf, type SignerName, signWith } from "./signers.ts";

const HOUR = 3_600_000;

/** A snapshot of the vectors' moment for node "n_1", signed by `signer`. */
export function signedSnapshot(
  fields: Partial<SignedSnapshot> = {},
  signer: SignerName = "A",
): SignedSnapshot {
  const content = fields.content ??
    '{"metadata":{},"data":[],"policies":[],"secret_refs":[]}';
  const header = {
    scope: "node:n_1",
    epoch: 1,
    version: 1,
    dialect: 1 as const,
    issuedAt: new Date(VECTORS_NOW_MS).toISOString(),
    expiresAt: new Date(VECTORS_NOW_MS + HOUR).toISOString(),
    keyId: importSigningKey(publicKeyOf(signer))!.fingerprint,
    contentSha256: contentHash(content),
    ...fields,
  };
  const message = new TextEncoder().encode(snapshotSignedText(header));
  const signature = encodeBase64(signWith(signer, message));
  return { ...header, content, signature: fields.signature ?? signature };
}
