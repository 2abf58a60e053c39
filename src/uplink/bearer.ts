import type { Dialect } from "../wire/dialect.ts";
import { UUID } from "../wire/uuid.ts";
import { nodeSecretToKey } from "../wire/node_secret.ts";
import { checkBearer } from "./request_headers.ts";

/** The environment part of a dialect-2 bearer: any text without underscores. */
const ENVIRONMENT = "plexd";

/**
 * The bearer of a registered node. Dialect 1 sends the node secret key as it
 * is; dialect 2 sends an envelope of the node's id and the key's bytes.
 *
 * @param nodeSecretKey Text as the control plane gave it.
 * @throws {RangeError} for a text that no header can carry, and in dialect 2
 * for a node id that is no UUID. It quotes no secret.
 * @throws {ShapeError} in dialect 2 for a secret that holds no key.
 * @see docs/wire.md, section h.2
 */
export function bearerFor(
  dialect: Dialect,
  nodeId: string,
  nodeSecretKey: string,
): string {
  if (dialect === 1) {
    checkBearer(nodeSecretKey);
    return nodeSecretKey;
  }
  const id = uuidBytes(nodeId);
  const key = nodeSecretToKey(nodeSecretKey);
  const both = new Uint8Array(id.length + key.length);
  both.set(id);
  both.set(key, id.length);
  const text = both.toBase64({ alphabet: "base64url", omitPadding: true });
  return `nsk_${ENVIRONMENT}_${text}`;
}

function uuidBytes(text: string): Uint8Array {
  if (UUID.test(text)) return Uint8Array.fromHex(text.replaceAll("-", ""));
  throw new RangeError(
    `Cannot make a bearer of dialect 2 as the node id is no UUID: it is "${text}"`,
  );
}
