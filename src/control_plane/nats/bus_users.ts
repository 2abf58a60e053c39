import { encodeUser } from "@nats-io/jwt";
import { createUser, type KeyPair } from "@nats-io/nkeys";
import { isoTime } from "../../platform/clock.ts";
import type { Platform } from "../../platform/platform.ts";
import {
  type CarrierCredentials,
  eventSubject,
} from "../../wire/carrier_credentials.ts";
import {
  consumerOf,
  inboxPrefixOf,
  OWN_INBOX_PREFIX,
  STREAM,
} from "./bus_names.ts";

/** A user of the bus: claims that the account signed, and the seed of its key. */
export interface BusUser {
  readonly jwt: string;
  readonly seed: string;
}

/** What a node may do is little, and so is what it can ask for at once. */
const NODE_LIMITS = {
  /** Subscriptions; its client needs one for all answers. */
  subs: 16,
  /** Bytes of a message that it publishes: requests and acknowledgements. */
  payload: 4_096,
  allowed_connection_types: ["STANDARD" as const],
};

/**
 * The user that the control plane itself is: it keeps the stream and the
 * consumers, and publishes. In memory only, and another one after each start.
 */
export async function ownUser(account: KeyPair): Promise<BusUser> {
  return await newUser("plexd control plane", account, {
    pub: { allow: ["plexd.v1.>", "$JS.API.>"] },
    sub: { allow: [`${OWN_INBOX_PREFIX}.>`] },
  });
}

/** Whom credentials are for, and where it finds the bus. */
export interface NodeUserOptions {
  readonly node: {
    readonly id: string;
    readonly hostname: string;
    readonly domainId: string;
  };
  readonly domainName: string | undefined;
  readonly servers: readonly string[];
  readonly ttlMs: number;
  readonly account: KeyPair;
  readonly io: Platform;
}

/** A new user of a node. */
export interface NodeUser {
  readonly credentials: CarrierCredentials;
  readonly expiresAtMs: number;
}

/**
 * Short-lived credentials of a node. They let it fetch from its own consumer,
 * acknowledge, and hear the answers: nothing else.
 *
 * @see tests/control_plane/nats/node_rights_test.ts
 */
export async function nodeCredentials(
  { node, domainName, servers, ttlMs, account, io }: NodeUserOptions,
): Promise<NodeUser> {
  const nowMs = io.clock.now();
  // Claims count in seconds: what is said of them must not be later.
  const expiresAt = Math.floor((nowMs + ttlMs) / 1_000);
  const consumer = consumerOf(node.id);
  const inboxPrefix = inboxPrefixOf(node.id);
  const { jwt, seed } = await newUser(`node ${node.id}`, account, {
    pub: {
      allow: [
        `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${consumer}`,
        `$JS.API.CONSUMER.INFO.${STREAM}.${consumer}`,
        `$JS.ACK.${STREAM}.${consumer}.>`,
      ],
    },
    sub: { allow: [`${inboxPrefix}.>`] },
    ...NODE_LIMITS,
  }, expiresAt);
  const credentials: CarrierCredentials = {
    carrier: "nats",
    servers: [...servers],
    stream: STREAM,
    consumer,
    subject: eventSubject(node.domainId, node.id),
    inbox_prefix: inboxPrefix,
    user_jwt: jwt,
    user_seed: seed,
    issued_at: isoTime(nowMs),
    expires_at: isoTime(expiresAt * 1_000),
    node_name: node.hostname,
    domain_id: node.domainId,
    ...(domainName === undefined ? {} : { domain_name: domainName }),
  };
  return { credentials, expiresAtMs: expiresAt * 1_000 };
}

async function newUser(
  name: string,
  account: KeyPair,
  rights: Parameters<typeof encodeUser>[3],
  /** Seconds since the Unix epoch. */
  expiresAt?: number,
): Promise<BusUser> {
  const pair = createUser();
  const jwt = await encodeUser(
    name,
    // As text: of a pair, the package derives it anew for each look at it.
    pair.getPublicKey(),
    account,
    rights,
    expiresAt === undefined ? {} : { exp: expiresAt },
  );
  return { jwt, seed: new TextDecoder().decode(pair.getSeed()) };
}
