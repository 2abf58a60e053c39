import type { Config } from "../config/settings.ts";
import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import { isSignedOff } from "../store/credentials_file.ts";
import { readMembership } from "../store/read_membership.ts";
import { AlreadyRunningError } from "../store/store_errors.ts";
import { metadataToken } from "../sync/metadata_service.ts";
import { register } from "../sync/registration.ts";
import { findToken, type FoundToken } from "../sync/token_sources.ts";
import type { ControlClient } from "../uplink/control_client.ts";
import { registerNode2 } from "../uplink/dialect2_register.ts";
import { hostNameOf } from "./host_name.ts";
import { registrationDialectFrom } from "./join_dialect.ts";
import { joinThroughAgent } from "./join_through_agent.ts";
import { openStore } from "./open_store.ts";
import { openUplink } from "./open_uplink.ts";
import { forgetSnapshots, pinTrust } from "./pin_trust.ts";

/** What {@linkcode joinControlPlane} works with. */
export interface JoinOptions {
  readonly config: Config;
  readonly io: Platform;
  readonly version: string;
  readonly stop: AbortSignal;
  /** Join anew though there is an identity; reports are kept. */
  readonly force: boolean;
}

/** What came of {@linkcode joinControlPlane}. */
export interface Joined {
  readonly identity: Pick<Identity, "nodeId" | "meshIp">;
  /** False if the node had joined before. */
  readonly joined: boolean;
}

/**
 * Joins without running the agent; while one runs, it is asked to, whether it
 * is enrolled or waits to be.
 */
export async function joinControlPlane(options: JoinOptions): Promise<Joined> {
  const { config, io, version, stop, force } = options;
  using client = await openUplink(config, io, version);
  let opened: Membership;
  try {
    opened = await openStore(config, io, version);
  } catch (error) {
    if (!(error instanceof AlreadyRunningError)) throw error;
    return await joinWhileHeld(options);
  }
  await using store = opened;
  if (!force) {
    const identity = await store.identity.load();
    if (identity && await store.credentials.take(identity)) {
      return { identity, joined: false };
    }
  }
  const identity = await joinWith(store, client, config, io, stop, {
    attended: true,
  });
  await store.credentials.take(identity);
  return { identity, joined: true };
}

async function joinWhileHeld(
  { config, io, stop, force }: JoinOptions,
): Promise<Joined> {
  const { data_dir: dataDir, cluster } = config;
  const identity = readMembership({ dataDir, cluster })?.identity;
  const isEnrolled = identity && !isSignedOff(dataDir, cluster);
  if (isEnrolled && !force) return { identity, joined: false };
  const findToken = tokenFinder(config, io);
  const anew = await joinThroughAgent({ config, io, stop, findToken });
  return { identity: anew, joined: true };
}

/** What differs between joining for the first time and joining anew. */
export interface JoinSteps {
  /** @default from the configured sources */
  readonly findToken?: (signal: AbortSignal) => Promise<FoundToken>;
  /** Whether a person waits for the outcome. @default {false} */
  readonly attended?: boolean;
  /** @default forgets the former node's state */
  readonly forgetFormer?: () => Promise<void>;
}

/** Joins with a bootstrap token, and remembers that it is spent. */
export async function joinWith(
  store: Membership,
  client: ControlClient,
  config: Config,
  io: Platform,
  stop: AbortSignal,
  steps: JoinSteps = {},
): Promise<Identity> {
  const { findToken = tokenFinder(config, io) } = steps;
  let spent: string | undefined;
  const identity = await register({
    identity: store.identity,
    trust: store.trust,
    uplink: {
      register: (...call) => client.register(...call),
      register2: (...call) => registerNode2(client.http, ...call),
    },
    findToken: async (signal) => {
      const found = await findToken(signal);
      spent = found.token;
      return found;
    },
    forgetFormer: steps.forgetFormer ?? (() => forgetFormer(store)),
    pinTrust: (announced) =>
      Promise.resolve(pinTrust(store, announced, io.log)),
    controlPlane: config["api.base_url"] ?? "",
    ...registrationDialectFrom(config),
    hostname: hostNameOf(config),
    metadata: config["registration.metadata"],
    attended: steps.attended ?? false,
    maxRetryMs: config["registration.max_retry_duration"],
    io,
  }, stop);
  try {
    if (spent !== undefined) store.spentTokens.add(spent);
  } catch (error) {
    // It would be offered once more, and be refused.
    io.log.warn("The used bootstrap token is not remembered", {
      error: describeError(error),
    });
  }
  return identity;
}

/** Looks for a bootstrap token wherever the configuration says. */
export function tokenFinder(
  config: Config,
  io: Platform,
  isSpent: (token: string) => boolean = () => false,
): (signal: AbortSignal) => Promise<FoundToken> {
  const value = config["registration.token_value"];
  const credentials = Deno.env.get("CREDENTIALS_DIRECTORY");
  return (signal) =>
    findToken({
      ...(value === undefined ? {} : { value }),
      file: config["registration.token_file"],
      ...(credentials ? { credential: `${credentials}/plexd.token` } : {}),
      env: config["registration.token_env"],
      ...(config["registration.use_metadata"]
        ? { metadata: (stop) => askMetadataService(config, io, stop) }
        : {}),
      isSpent,
    }, signal);
}

/**
 * State, snapshots, event cursor and what was synced belong to the node that this one was
 * until now: its versions would refuse the new node's state as a rollback.
 * Reports are kept, and go to the new control plane.
 */
export async function forgetFormer(store: Membership): Promise<void> {
  await store.state.update(() => ({
    metadata: new Map(),
    data: [],
    secretRefs: [],
    peers: [],
    policies: [],
    services: [],
    position: null,
    complete: false,
  }));
  await store.peerCache.forget();
  await store.routes.forget();
  store.secretNames.reset();
  await forgetSnapshots(store, false);
  await forgetSynced(store);
}

/**
 * As {@linkcode forgetFormer}, at the same control plane: what is served stays
 * until the first pull brings the new node's state, but without its number.
 */
export async function forgetPosition(store: Membership): Promise<void> {
  await store.state.update(() => ({ position: null, complete: false }));
  await forgetSnapshots(store, true);
  await forgetSynced(store);
}

async function forgetSynced(store: Membership): Promise<void> {
  await store.events.resetCursor();
  const { deleted } = store.syncLedger.pending(new Map());
  await store.syncLedger.markSynced({ entries: [], deleted });
}

function askMetadataService(
  config: Config,
  { clock }: Platform,
  signal: AbortSignal,
): Promise<string | undefined> {
  return metadataToken({
    baseUrl: config["registration.metadata_url"],
    path: config["registration.metadata_token_path"],
    timeoutMs: config["registration.metadata_timeout"],
    clock,
  }, signal);
}
