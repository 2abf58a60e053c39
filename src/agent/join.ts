import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import { metadataToken } from "../sync/metadata_service.ts";
import { register } from "../sync/registration.ts";
import { findToken } from "../sync/token_sources.ts";
import type { ControlClient } from "../uplink/control_client.ts";
import { ControlError } from "../uplink/control_error.ts";
import { hostNameOf } from "./host_name.ts";
import { registrationDialectFrom } from "./join_dialect.ts";
import { openStore } from "./open_store.ts";
import { openUplink } from "./open_uplink.ts";

/** What {@linkcode joinControlPlane} works with. */
export interface JoinOptions {
  readonly config: Config;
  readonly io: Platform;
  readonly version: string;
  readonly stop: AbortSignal;
  /** Join anew though there is an identity; reports are kept. */
  readonly force: boolean;
}

/** Joins without running the agent. `joined` is false if it had before. */
export async function joinControlPlane(
  options: JoinOptions,
): Promise<{ readonly identity: Identity; readonly joined: boolean }> {
  const { config, io, version, stop, force } = options;
  const client = await openUplink(config, io, version);
  await using store = await openStore(config, io, version);
  if (!force) {
    const identity = await store.identity.load();
    if (identity) return { identity, joined: false };
  }
  const identity = await joinWith(store, client, config, io, stop);
  return { identity, joined: true };
}

/** The stored identity, or a fresh one from a bootstrap token. */
export async function ensureJoined(
  store: Membership,
  client: ControlClient,
  config: Config,
  io: Platform,
  stop: AbortSignal,
): Promise<Identity> {
  return await store.identity.load() ??
    await joinWith(store, client, config, io, stop);
}

function joinWith(
  store: Membership,
  client: ControlClient,
  config: Config,
  io: Platform,
  stop: AbortSignal,
): Promise<Identity> {
  const value = config["registration.token_value"];
  return register({
    identity: store.identity,
    trust: store.trust,
    uplink: {
      register: (...call) => client.register(...call),
      register2: () =>
        Promise.reject(new ControlError("unsupported", "Dialect 2")),
    },
    findToken: (signal) =>
      findToken({
        ...(value === undefined ? {} : { value }),
        file: config["registration.token_file"],
        env: config["registration.token_env"],
        ...(config["registration.use_metadata"]
          ? { metadata: (stop) => askMetadataService(config, io, stop) }
          : {}),
      }, signal),
    forgetFormer: () => forgetFormer(store),
    controlPlane: config["api.base_url"] ?? "",
    ...registrationDialectFrom(config),
    hostname: hostNameOf(config),
    metadata: config["registration.metadata"],
    maxRetryMs: config["registration.max_retry_duration"],
    io,
  }, stop);
}

/**
 * State, event cursor and what was synced belong to the node that this one was
 * until now: its versions would refuse the new node's state as a rollback.
 * Reports are kept, and go to the new control plane.
 */
async function forgetFormer(store: Membership): Promise<void> {
  await store.state.update(() => ({
    metadata: new Map(),
    data: [],
    secretRefs: [],
    peers: [],
    policies: [],
    position: null,
    complete: false,
  }));
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
