import { isoTime } from "../platform/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import { encodeBase64 } from "../wire/base64.ts";
import type { Dialect } from "../wire/dialect.ts";
import type { Changes } from "./changes.ts";
import { hashOf } from "./credentials.ts";
import { freeAddress } from "./domains.ts";
import { ProblemError } from "./http/problem.ts";
import { emitPeerChange } from "./peer_changes.ts";
import { disconnectNode } from "./node_connections.ts";
import { compileForNewNode } from "./policies.ts";
import type { Services } from "./services.ts";
import { type AnnouncedKeys, announcedKeys } from "./signing_keys.ts";
import type {
  Node,
  Rows,
  Storage,
  Token,
  TokenUse,
} from "./storage/storage.ts";
import { trustBundleText, trustRootKey } from "./trust_bundles.ts";
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
  readonly dialect: Dialect;
  readonly token: string;
  /** Dialect 2 only: names this registration, however often it is tried. */
  readonly nonce?: string;
  /** Base64 of 32 bytes, in its one form. */
  readonly publicKey: string;
  readonly hostname: string;
  /** JSON object of strings. */
  readonly labels: string;
  /** IP address that it asks from. */
  readonly source: string;
}

/** A registered node, and the only copy in the clear of its secret key. */
export interface Registered {
  readonly node: Node;
  readonly nodeSecretKey: string;
}

/**
 * Makes a node of an applicant with a good token.
 *
 * The same token with the same public key and nonce again, within ten minutes
 * and before the node's first call, is a retry whose answer was lost: it gets a
 * new secret key, which voids the one before.
 *
 * @throws {ProblemError} in dialect 1 401 "token_invalid" or "token_expired", 409
 * "token_consumed"; in dialect 2 403 "token_revoked", "token_expired",
 * "token_consumed" or "nonce_collision"; in both 503 "pool_exhausted".
 * @see design, section 6 "Keys and trust"; docs/wire.md, section h.3
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

/** What every answer to a registration tells about trust. */
export interface Welcome {
  readonly keys: AnnouncedKeys;
  readonly trust_root: string;
  readonly trust_bundle: unknown;
  readonly snapshots: "required" | "offered";
  /** Heartbeats may tell of the agent's health. */
  readonly heartbeat_agent: true;
  readonly node_name: string;
  /** Absent for a domain that was removed meanwhile. */
  readonly domain_name: string | undefined;
}

/** Ends what a node had open before it registered, and says whom to trust. */
export async function welcome(
  services: Services,
  node: Node,
): Promise<Welcome> {
  const { storage, signedStates, io } = services;
  disconnectNode(services, node.id);
  io.log.info("Node registered", {
    node_id: node.id,
    mesh_ip: node.meshIp,
    hostname: node.hostname,
    dialect: node.dialect,
    at: isoTime(node.registeredAtMs),
  });
  return await storage.read(async (rows) => ({
    keys: await announcedKeys(rows, io.clock.now()),
    trust_root: await trustRootKey(rows),
    trust_bundle: JSON.parse(await trustBundleText(rows)),
    snapshots: signedStates,
    heartbeat_agent: true,
    node_name: node.hostname,
    domain_name: (await rows.domains.byId(node.domainId))?.name,
  }));
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
    if (!token) throw refusal(applicant, "unknown");
    if (token.use && token.use.nodeId !== nodeId) return undefined;
    const placed = { ...key, firstSequence: await rows.events.lastSequence() };
    await checkNonce(rows, applicant, token);
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
      source: applicant.source,
    });
    const node = await rows.nodes.byId(nodeId);
    if (!node) throw new TypeError("The node was not added");
    if (!token.use) await emitPeerChange(rows, emit, "peer_added", node);
    return { node, nodeSecretKey };
  });
}

/** What a bad token is called in each dialect. */
const REFUSALS = {
  unknown: { 1: [401, "token_invalid"], 2: [403, "token_revoked"] },
  expired: { 1: [401, "token_expired"], 2: [403, "token_expired"] },
  consumed: { 1: [409, "token_consumed"], 2: [403, "token_consumed"] },
} as const;

function refusal({ dialect }: Applicant, why: keyof typeof REFUSALS) {
  const [status, code] = REFUSALS[why][dialect];
  return new ProblemError(status, code);
}

/** A nonce belongs to one token and one key. */
async function checkNonce(
  rows: Rows,
  { nonce, publicKey }: Applicant,
  { use }: Token,
) {
  if (nonce === undefined) return;
  const node = await rows.nodes.byRegistrationNonce(nonce);
  if (!node) return;
  if (node.id === use?.nodeId && use.publicKey === publicKey) return;
  throw new ProblemError(403, "nonce_collision");
}

async function checkRetry(
  rows: Rows,
  use: TokenUse,
  applicant: Applicant,
  io: Platform,
) {
  const node = await rows.nodes.byId(use.nodeId);
  const isRetry = node && node.firstCallAtMs === undefined &&
    node.revokedAtMs === undefined &&
    use.publicKey === applicant.publicKey &&
    node.dialect === applicant.dialect &&
    node.registrationNonce === applicant.nonce &&
    io.clock.now() - use.atMs < REPLAY_MS;
  if (!isRetry) throw refusal(applicant, "consumed");
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
  if (token.expiresAtMs <= atMs) throw refusal(applicant, "expired");
  const domain = await rows.domains.byId(token.domainId);
  if (!domain) throw new TypeError("The token's domain is missing");
  const { dialect, publicKey, hostname, labels, nonce } = applicant;
  await rows.nodes.add({
    ...placed,
    domainId: domain.id,
    dialect,
    hostname,
    publicKey,
    meshIp: await freeAddress(rows, domain),
    labels,
    registeredAtMs: atMs,
    ...(nonce === undefined ? {} : { registrationNonce: nonce }),
  }, bearerHash);
  await compileForNewNode(rows, { id: placed.id, domainId: domain.id }, io);
  const self = `node:${placed.id}`;
  await rows.relations.add({
    subject: self,
    relation: "node-agent",
    object: self,
  });
  await rows.tokens.use(token.hash, { atMs, nodeId: placed.id, publicKey });
}
