import type { Platform } from "../platform/platform.ts";
import type { Artifacts } from "./artifacts.ts";
import type { Changes } from "./changes.ts";
import type { EventStreams } from "./event_streams.ts";
import type { Surface } from "./not_provisioned.ts";
import type { RelationChecker } from "./node_gates.ts";
import type { SnapshotSigner } from "./signed_snapshots.ts";
import type { Storage } from "./storage/storage.ts";
import type { Vault } from "./vault.ts";

/** What the routes work with. */
export interface Services {
  readonly storage: Storage;
  readonly changes: Changes;
  readonly vault: Vault;
  readonly streams: EventStreams;
  readonly relations: RelationChecker;
  readonly artifacts: Artifacts;
  readonly snapshots: SnapshotSigner;
  /** What nodes are told at registration about signed states. */
  readonly signedStates: "required" | "offered";
  /** What nodes find not provisioned. */
  readonly without: readonly Surface[];
  /** Names the history that state versions count in. */
  readonly epoch: number;
  readonly version: string;
  readonly io: Platform;
  /** Aborts when the server stops. */
  readonly stop: AbortSignal;
}
