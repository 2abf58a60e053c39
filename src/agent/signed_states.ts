import type { SnapshotRef } from "../store/snapshot_pointer.ts";
import { SnapshotLifetime } from "../sync/snapshot_lifetime.ts";
import { StateSource } from "../sync/state_source.ts";
import { TrustBundles } from "../sync/trust_bundles.ts";
import type { Keyring } from "../trust/keyring.ts";
import { contentParser } from "../wire/content_parser.ts";
import type { NodeContext } from "./node_context.ts";

/** What signed states need beside the context. */
export interface SignedStatesNeeds {
  readonly keyring: Keyring;
  /** The snapshot that is active at the start. */
  readonly active: SnapshotRef | undefined;
  /** Asks for a pull. */
  readonly pull: (reason: string) => void;
}

/** What brings states that are to be believed. */
export interface SignedStates {
  readonly source: StateSource;
  readonly lifetime: SnapshotLifetime;
  readonly bundles: TrustBundles;
}

/**
 * Puts together what checks and keeps signed states.
 *
 * @throws {CorruptTrustError} when pinned roots, bundle or marks are damaged.
 */
export function buildSignedStates(
  context: NodeContext,
  { keyring, active, pull }: SignedStatesNeeds,
): SignedStates {
  const { config, store, identity, uplink, degraded, io } = context;
  const { nodeId, dialect } = identity;
  const lifetime = new SnapshotLifetime({
    ...(active ? { active } : {}),
    pull,
    degraded,
    io,
  });
  const bundles = new TrustBundles({
    store: store.trustBundle,
    keyring,
    keys: store.trust,
    fetch: (signal) => uplink.fetchTrustBundle(signal),
    ...io,
  });
  const source = new StateSource({
    uplink,
    snapshots: store.snapshots,
    marks: store.marks,
    granted: store.granted,
    keyring,
    bundles,
    lifetime,
    nodeId,
    dialect,
    parse: contentParser(dialect),
    requireSigned: config["trust.require_signed_snapshots"],
    acceptNewEpoch: config["trust.accept_new_epoch"],
    degraded,
    io,
  });
  return { source, lifetime, bundles };
}
