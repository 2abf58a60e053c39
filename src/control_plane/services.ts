import type { Platform } from "../platform/platform.ts";
import type { Artifacts } from "./artifacts.ts";
import type { Changes } from "./changes.ts";
import type { EventStreams } from "./event_streams.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import type { MessageBus } from "./nats/message_bus.ts";
import type { GatePorts } from "./gates/pass_gates.ts";
import type { BusSurface, MissingPorts, ProvisionedBus } from "./provision.ts";
import type { Storage } from "./storage/storage.ts";
import type { Vault } from "./vault.ts";

/** What the routes work with. */
export interface Services {
  readonly storage: Storage;
  readonly changes: Changes;
  readonly vault: Vault;
  readonly streams: EventStreams;
  readonly gates: GatePorts;
  readonly auditLog: AuditLog;
  readonly artifacts: Artifacts;
  /** Pull and stream, or what they miss. */
  readonly bus: ProvisionedBus | MissingPorts;
  /** The second way of events to nodes; undefined where there is none. */
  readonly messageBus: MessageBus | undefined;
  /** Surfaces that are closed, whatever is there. */
  readonly closed: readonly BusSurface[];
  /** What nodes are told at registration about signed states. */
  readonly signedStates: "required" | "offered";
  /** Names the history that state versions count in. */
  readonly epoch: number;
  /** Where nodes reach the server, without a trailing slash. */
  readonly publicUrl: string | undefined;
  readonly version: string;
  readonly io: Platform;
  /** Aborts when the server stops. */
  readonly stop: AbortSignal;
}
