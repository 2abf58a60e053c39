import * as z from "zod/mini";
import { rawElements, rawMembers } from "./raw_json.ts";
import { checkShape, ShapeError } from "./shape_error.ts";

/** A versioned value of a node. `payload` is raw JSON text, kept byte for byte. */
export interface DataEntry {
  readonly key: string;
  readonly contentType: string;
  readonly payload: string;
  readonly version: number;
  /** RFC 3339 text as received. */
  readonly updatedAt: string;
}

/** Name and version of a secret; its value never travels with it. */
export interface SecretRef {
  readonly key: string;
  readonly version: number;
}

/** Another node of the mesh. The pre-shared key is dropped when it is decoded. */
export interface Peer {
  readonly id: string;
  readonly publicKey: string;
  readonly meshIp: string;
  readonly endpoint: string;
  readonly allowedIps: readonly string[];
}

/** A policy as raw text: its rules are compared, not interpreted. */
export interface Policy {
  readonly id: string;
  readonly rules: string;
}

/** Signing keys as the control plane announces them, base64 of 32 bytes each. */
export interface SigningKeys {
  readonly current: string;
  readonly previous?: string;
  /** RFC 3339 text. */
  readonly transitionExpires?: string;
}

/** Where in the control plane's history a state stands. Ordered by epoch, then version. */
export interface StatePosition {
  readonly epoch: number;
  readonly version: number;
}

/** What a node should be, as one pull answers it. */
export interface DesiredState {
  readonly metadata: ReadonlyMap<string, string>;
  readonly data: readonly DataEntry[];
  readonly secretRefs: readonly SecretRef[];
  readonly peers: readonly Peer[];
  readonly policies: readonly Policy[];
  readonly signingKeys?: SigningKeys;
  /** Absent from control planes that do not number their states. */
  readonly position?: StatePosition;
  /** Absent from control planes that do not name the node. */
  readonly nodeId?: string;
}

/** -1, 0 or 1 as `a` is older than, the same as, or newer than `b`. */
export function comparePositions(a: StatePosition, b: StatePosition): number {
  return Math.sign(a.epoch - b.epoch) || Math.sign(a.version - b.version);
}

const version = z.int().check(z.nonnegative());
const counter = z.int().check(z.positive());
const key = z.string().check(z.minLength(1), z.maxLength(1024));

const dataEntrySchema = z.object({
  key,
  content_type: z.string(),
  payload: z.unknown(),
  version,
  updated_at: z.string(),
});
const secretRefSchema = z.object({ key, version });
const peerSchema = z.object({
  id: z.string().check(z.minLength(1)),
  public_key: z.string(),
  mesh_ip: z.string(),
  endpoint: z._default(z.string(), ""),
  allowed_ips: z.nullish(z.array(z.string())),
});
const policySchema = z.object({
  id: z.string().check(z.minLength(1)),
  rules: z.nullish(z.array(z.unknown())),
});

/** Metadata arrives as an object of strings; a Map holds any name, `__proto__` too. */
const metadataSchema = z.record(z.string(), z.string());

export const signingKeysSchema = z.object({
  current: z.string(),
  previous: z.nullish(z.string()),
  transition_expires: z.nullish(z.string()),
});

const stateSchema = z.object({
  peers: z.nullish(z.array(peerSchema)),
  policies: z.nullish(z.array(policySchema)),
  signing_keys: z.nullish(signingKeysSchema),
  metadata: z.nullish(metadataSchema),
  data: z.nullish(z.array(dataEntrySchema)),
  secret_refs: z.nullish(z.array(secretRefSchema)),
  node_id: z.optional(z.string()),
  epoch: z.optional(counter),
  state_version: z.optional(counter),
});

/** What a `node_state_updated` payload carries. An absent part is left alone. */
export interface NodeStateUpdate {
  readonly metadata?: ReadonlyMap<string, string>;
  readonly data?: readonly DataEntry[];
  readonly position?: StatePosition;
  readonly nodeId?: string;
}

const nodeStateUpdateSchema = z.object({
  metadata: z.nullish(metadataSchema),
  data: z.nullish(z.array(dataEntrySchema)),
  node_id: z.optional(z.string()),
  epoch: z.optional(counter),
  state_version: z.optional(counter),
});

/** What a `node_secrets_updated` payload carries. An absent index is left alone. */
export interface NodeSecretsUpdate {
  readonly secretRefs?: readonly SecretRef[];
  readonly position?: StatePosition;
  readonly nodeId?: string;
}

const nodeSecretsUpdateSchema = z.object({
  secret_refs: z.nullish(z.array(secretRefSchema)),
  node_id: z.optional(z.string()),
  epoch: z.optional(counter),
  state_version: z.optional(counter),
});

/** Top-level members of which a dialect-1 state document must show at least one. */
const DIALECT_1_MEMBERS = ["policies", "secret_refs", "data", "signing_keys"];

/**
 * Reads the answer of a state pull in dialect 1.
 *
 * @param text The body as received; payloads are sliced out of it.
 * @throws {ShapeError} when it is no dialect-1 state document. A document
 * without any of that dialect's members is refused: taken as "everything is
 * empty" it would wipe the node.
 * @see docs/wire.md, sections a.5 and h.9
 */
export function parseStateDocument(text: string): DesiredState {
  const value = parseObject("state document", text);
  const members = rawMembers(text);
  refuseDuplicates("state document", members);
  const document = checkShape("state document", stateSchema, value);
  if (
    !DIALECT_1_MEMBERS.some((name) =>
      members.some(([member]) => member === name)
    )
  ) {
    throw new ShapeError(
      "Invalid state document: it has none of the members of dialect 1",
    );
  }
  const raw = new Map(members);
  return {
    metadata: metadataFrom(raw.get("metadata")),
    data: dataFrom(raw.get("data"), document.data ?? []),
    secretRefs: uniqueByKey("secret_refs", document.secret_refs ?? []),
    peers: (document.peers ?? []).map((peer) => ({
      id: peer.id,
      publicKey: peer.public_key,
      meshIp: peer.mesh_ip,
      endpoint: peer.endpoint,
      allowedIps: peer.allowed_ips ?? [],
    })),
    policies: policiesFrom(raw.get("policies")),
    ...(document.signing_keys
      ? { signingKeys: signingKeysFrom(document.signing_keys) }
      : {}),
    ...scopeFrom(document),
  };
}

/**
 * Reads the payload of a `node_state_updated` event. Null and empty clear a
 * part, an absent member leaves it alone.
 *
 * @throws {ShapeError} when it does not have the shape of that event.
 */
export function parseNodeStateUpdate(text: string): NodeStateUpdate {
  const value = parseObject("node_state_updated payload", text);
  const update = checkShape(
    "node_state_updated payload",
    nodeStateUpdateSchema,
    value,
  );
  const members = rawMembers(text);
  refuseDuplicates("node_state_updated payload", members);
  const raw = new Map(members);
  return {
    ...(raw.has("metadata")
      ? { metadata: metadataFrom(raw.get("metadata")) }
      : {}),
    ...(raw.has("data")
      ? { data: dataFrom(raw.get("data"), update.data ?? []) }
      : {}),
    ...scopeFrom(update),
  };
}

/**
 * Reads the payload of a `node_secrets_updated` event.
 *
 * @throws {ShapeError} when it does not have the shape of that event.
 */
export function parseNodeSecretsUpdate(text: string): NodeSecretsUpdate {
  const what = "node_secrets_updated payload";
  const value = parseObject(what, text);
  const update = checkShape(what, nodeSecretsUpdateSchema, value);
  refuseDuplicates(what, rawMembers(text));
  return {
    ...(update.secret_refs === undefined
      ? {}
      : { secretRefs: uniqueByKey("secret_refs", update.secret_refs ?? []) }),
    ...scopeFrom(update),
  };
}

/** Announced keys from their wire form; null means absent. */
export function signingKeysFrom(
  keys: z.infer<typeof signingKeysSchema>,
): SigningKeys {
  return {
    current: keys.current,
    ...(keys.previous ? { previous: keys.previous } : {}),
    ...(keys.transition_expires
      ? { transitionExpires: keys.transition_expires }
      : {}),
  };
}

/** One data or report entry as JSON text, its payload untouched, in wire order. */
export function encodeDataEntry(entry: DataEntry): string {
  return `{"key":${JSON.stringify(entry.key)}` +
    `,"content_type":${JSON.stringify(entry.contentType)}` +
    `,"payload":${entry.payload}` +
    `,"version":${entry.version}` +
    `,"updated_at":${JSON.stringify(entry.updatedAt)}}`;
}

/**
 * Reads entries of the shape of {@linkcode DataEntry} from a JSON array's text.
 *
 * @throws {ShapeError} for a wrong shape or a key that stands twice.
 */
export function parseDataEntries(what: string, text: string): DataEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ShapeError(`Invalid ${what}: not JSON`);
  }
  return dataFrom(text, checkShape(what, z.array(dataEntrySchema), value));
}

function parseObject(what: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ShapeError(`Invalid ${what}: not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ShapeError(`Invalid ${what}: not an object`);
  }
  return value;
}

/** Two readers may pick different ones of two equal members, so neither counts. */
function refuseDuplicates(
  what: string,
  members: readonly (readonly [string, string])[],
) {
  const names = new Set(members.map(([name]) => name));
  if (names.size < members.length) {
    throw new ShapeError(`Invalid ${what}: a member stands twice`);
  }
}

/**
 * Read from the text, since the schema skips a member named `__proto__` and so
 * would let any value pass under that name.
 */
function metadataFrom(raw: string | undefined): ReadonlyMap<string, string> {
  if (raw === undefined || raw === "null") return new Map();
  return new Map(
    rawMembers(raw).map(([name, text]) => {
      const value: unknown = JSON.parse(text);
      if (typeof value === "string") return [name, value];
      throw new ShapeError("Invalid metadata: a value is not a string");
    }),
  );
}

function dataFrom(
  raw: string | undefined,
  entries: readonly z.infer<typeof dataEntrySchema>[],
): DataEntry[] {
  if (entries.length === 0) return [];
  const texts = rawElements(raw ?? "[]");
  return uniqueByKey(
    "data",
    entries.map((entry, at) => ({
      key: entry.key,
      contentType: entry.content_type,
      payload: new Map(rawMembers(texts[at]!)).get("payload") ?? "null",
      version: entry.version,
      updatedAt: entry.updated_at,
    })),
  );
}

function policiesFrom(raw: string | undefined): Policy[] {
  if (raw === undefined || raw === "null") return [];
  return rawElements(raw).map((text) => {
    const members = new Map(rawMembers(text));
    return {
      id: JSON.parse(members.get("id")!) as string,
      rules: members.get("rules") ?? "null",
    };
  });
}

function uniqueByKey<E extends { readonly key: string }>(
  what: string,
  entries: readonly E[],
): E[] {
  const keys = new Set(entries.map((entry) => entry.key));
  if (keys.size < entries.length) {
    throw new ShapeError(`Invalid ${what}: a key stands twice`);
  }
  return [...entries];
}

function scopeFrom(
  document: {
    readonly node_id?: string | undefined;
    readonly epoch?: number | undefined;
    readonly state_version?: number | undefined;
  },
): { readonly position?: StatePosition; readonly nodeId?: string } {
  const { node_id, epoch, state_version } = document;
  return {
    ...(node_id === undefined ? {} : { nodeId: node_id }),
    ...(epoch === undefined || state_version === undefined
      ? {}
      : { position: { epoch, version: state_version } }),
  };
}
