import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import { encodeBase64 } from "../wire/base64.ts";
import { hashOf } from "./credentials.ts";
import { freeAddress } from "./domains.ts";
import { ProblemError } from "./http/problem.ts";
import type { Node, Rows, Storage, Token } from "./storage/storage.ts";
import { SEALED, type Vault } from "./vault.ts";

/** How long a node whose answer was lost may ask again with the same token. */
export const REPLAY_MS = 10 * 60_000;

const NODE_KEY_BYTES = 32;

/** What registration works on. */
export interface RegistrationServices {
  readonly storage: Storage;
  readonly vault: Vault;
  readonly io: Platform;
}

/** A node that asks to be let in. */
export interface Applicant {
  readonly token: string;
  /** Base64 of 32 bytes, in its one form. */
  readonly publicKey: string;
  readonly hostname: string;
  /** JSON object of strings. */
  readonly labels: string;
}

/** A registered node, and the only copy in the clear of its secret key. */
export interface Registered {
  readonly node: Node;
  readonly nodeSecretKey: string;
}

/**
 * Makes a node of an applicant with a good token.
 *
 * The same token with the same public key again, within ten minutes and before
 * the node's first call, is a retry whose answer was lost: it gets a new secret
 * key, which voids the one before.
 *
 * @throws {ProblemError} 401 "token_invalid" or "token_expired", 409
 * "token_consumed", 503 "pool_exhausted".
 * @see design, section 6 "Keys and trust"
 */
export async function registerNode(
  { storage, vault, io }: RegistrationServices,
  applicant: Applicant,
): Promise<Registered> {
  const hash = hashOf(applicant.token);
  // Sealing takes time, and a transaction must not wait for it; so the node's id
  // is settled before, and the transaction checks that it still holds.
  const earlier = await storage.read(async (rows) =>
    await rows.tokens.byHash(hash)
  );
  const nodeId = earlier?.use?.nodeId ?? uuidV7(io.clock, io.random);
  const secret = io.random.bytes(NODE_KEY_BYTES);
  const nodeSecretKey = encodeBase64(secret);
  const key = {
    bearerHash: hashOf(nodeSecretKey),
    sealedKey: await vault.seal(SEALED.nodeKey(nodeId), secret),
  };
  return await storage.write(async (rows) => {
    const token = await rows.tokens.byHash(hash);
    if (!token) throw new ProblemError(401, "token_invalid");
    const firstSequence = await rows.events.lastSequence();
    if (token.use) {
      await checkReplay(rows, token, applicant, nodeId, io);
      await rows.nodes.replaceKey(nodeId, { ...key, firstSequence });
    } else {
      if (token.expiresAtMs <= io.clock.now()) {
        throw new ProblemError(401, "token_expired");
      }
      const atMs = io.clock.now();
      await addNode(rows, token, applicant, nodeId, atMs, {
        ...key,
        firstSequence,
      });
      const { publicKey } = applicant;
      await rows.tokens.use(hash, { atMs, nodeId, publicKey });
    }
    await rows.audit.add({
      atMs: io.clock.now(),
      subject: `node:${nodeId}`,
      relation: "node.register",
      object: `domain:${token.domainId}`,
      outcome: token.use ? "repeated" : "granted",
    });
    const node = await rows.nodes.byId(nodeId);
    if (!node) throw new TypeError("The node was not added");
    return { node, nodeSecretKey };
  });
}

async function checkReplay(
  rows: Rows,
  token: Token,
  applicant: Applicant,
  nodeId: string,
  io: Platform,
) {
  const { use } = token;
  const node = await rows.nodes.byId(nodeId);
  const isRetry = use && node && use.nodeId === nodeId &&
    use.publicKey === applicant.publicKey &&
    node.firstCallAtMs === undefined &&
    io.clock.now() - use.atMs < REPLAY_MS;
  if (!isRetry) throw new ProblemError(409, "token_consumed");
}

async function addNode(
  rows: Rows,
  token: Token,
  applicant: Applicant,
  nodeId: string,
  atMs: number,
  key: {
    readonly bearerHash: Uint8Array;
    readonly sealedKey: Uint8Array;
    readonly firstSequence: number;
  },
) {
  const domain = await rows.domains.byId(token.domainId);
  if (!domain) throw new TypeError("The token's domain is missing");
  await rows.nodes.add({
    id: nodeId,
    domainId: domain.id,
    dialect: 1,
    hostname: applicant.hostname,
    publicKey: applicant.publicKey,
    meshIp: await freeAddress(rows, domain),
    labels: applicant.labels,
    sealedKey: key.sealedKey,
    firstSequence: key.firstSequence,
    registeredAtMs: atMs,
  }, key.bearerHash);
}
