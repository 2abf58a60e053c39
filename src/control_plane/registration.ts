import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import { encodeBase64 } from "../wire/base64.ts";
import type { Changes } from "./changes.ts";
import { hashOf } from "./credentials.ts";
import { freeAddress } from "./domains.ts";
import { ProblemError } from "./http/problem.ts";
import { emitPeerChange } from "./peer_changes.ts";
import type {
  Node,
  Rows,
  Storage,
  Token,
  TokenUse,
} from "./storage/storage.ts";
import { SEALED, type Vault } from "./vault.ts";

/** How long a node whose answer was lost may ask again with the same token. */
export const REPLAY_MS = 10 * 60_000;

const NODE_KEY_BYTES = 32;

/** What registration works on. */
export interface RegistrationServices {
  readonly storage: Storage;
  readonly changes: Changes;
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
  services: RegistrationServices,
  applicant: Applicant,
): Promise<Registered> {
  const hash = hashOf(applicant.token);
  for (;;) {
    const registered = await tryRegister(services, applicant, hash);
    if (registered) return registered;
  }
}

/**
 * @returns undefined when the same token was used between look-up and
 * transaction, as by a first attempt that its own retry overtook.
 */
async function tryRegister(
  { storage, changes, vault, io }: RegistrationServices,
  applicant: Applicant,
  hash: Uint8Array,
): Promise<Registered | undefined> {
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
  return await changes.make(async (rows, emit) => {
    const token = await rows.tokens.byHash(hash);
    if (!token) throw new ProblemError(401, "token_invalid");
    if (token.use && token.use.nodeId !== nodeId) return undefined;
    const placed = { ...key, firstSequence: await rows.events.lastSequence() };
    if (token.use) {
      await checkRetry(rows, token.use, applicant, io);
      await rows.nodes.replaceKey(nodeId, placed);
    } else {
      await addNode(rows, token, applicant, { id: nodeId, ...placed }, io);
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
    if (!token.use) await emitPeerChange(rows, emit, "peer_added", node);
    return { node, nodeSecretKey };
  });
}

async function checkRetry(
  rows: Rows,
  use: TokenUse,
  applicant: Applicant,
  io: Platform,
) {
  const node = await rows.nodes.byId(use.nodeId);
  const isRetry = node && node.firstCallAtMs === undefined &&
    use.publicKey === applicant.publicKey &&
    io.clock.now() - use.atMs < REPLAY_MS;
  if (!isRetry) throw new ProblemError(409, "token_consumed");
}

/** What is settled of a node before its transaction. */
interface PlacedNode {
  readonly id: string;
  readonly bearerHash: Uint8Array;
  readonly sealedKey: Uint8Array;
  readonly firstSequence: number;
}

async function addNode(
  rows: Rows,
  token: Token,
  applicant: Applicant,
  { bearerHash, ...placed }: PlacedNode,
  io: Platform,
) {
  const atMs = io.clock.now();
  if (token.expiresAtMs <= atMs) throw new ProblemError(401, "token_expired");
  const domain = await rows.domains.byId(token.domainId);
  if (!domain) throw new TypeError("The token's domain is missing");
  const { publicKey, hostname, labels } = applicant;
  await rows.nodes.add({
    ...placed,
    domainId: domain.id,
    dialect: 1,
    hostname,
    publicKey,
    meshIp: await freeAddress(rows, domain),
    labels,
    registeredAtMs: atMs,
  }, bearerHash);
  await rows.tokens.use(token.hash, { atMs, nodeId: placed.id, publicKey });
}
