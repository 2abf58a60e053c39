import type { Config } from "../config/settings.ts";
import type { KernelFiles } from "../platform/kernel_files.ts";
import type { ChangeFeed } from "../node_api/watch/change_feed.ts";
import type { Platform } from "../platform/platform.ts";
import type { AgentState } from "../store/agent_state.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import type { ClockSkew } from "../sync/clock_skew.ts";
import type { Degraded } from "../sync/degraded.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";
import type { CarrierCredentials } from "../wire/carrier_credentials.ts";
import type { MetricFamily } from "../wire/prometheus.ts";
import type { LoginCheck } from "./login_check.ts";
import type { Reload } from "./reload.ts";
import type { Requests } from "./requests.ts";
import type { ServiceLink } from "./service_link.ts";
import type { SnapshotLog } from "./snapshot_log.ts";
import type { TelemetryIntake } from "./telemetry_intake.ts";
import type { ContactWatch } from "./watch_contact.ts";
import type { NodeTasks } from "./node_tasks.ts";
import type { DiskWatch } from "./watch_disk.ts";

/** What the parts of a running node share. */
export interface NodeContext {
  readonly config: Config;
  readonly io: Platform;
  /** Where the kernel tells about machine and process. */
  readonly kernel: KernelFiles;
  readonly version: string;
  /** Ms since the Unix epoch. */
  readonly startedAtMs: number;
  /** The same moment as monotonic time, ms: what an uptime counts from. */
  readonly startedMs: number;
  readonly store: Membership;
  readonly identity: Identity;
  readonly uplink: NodeUplink;
  readonly tasks: NodeTasks;
  /** Strangers may read or change what goes over the connection. */
  readonly exposed: boolean;
  readonly degraded: Degraded;
  readonly intake: TelemetryIntake;
  /** Keeps credentials of the message bus out of logs and transitions. */
  readonly hideCarrier: (credentials: CarrierCredentials) => void;
  /** What has changed of what is served, for as long as the process lives. */
  readonly changes: ChangeFeed;
  readonly disk: DiskWatch;
  /** What was written to the store so far, for monitoring. */
  readonly storeFigures: () => readonly MetricFamily[];
  /** Hears how each call to the control plane went. */
  readonly contact: ContactWatch;
  /** What is known of the agent itself. */
  readonly agentState: AgentState;
  /** Hears how calls went that carry this node's time. */
  readonly skew: ClockSkew;
  /** Knows whether the control plane takes the node's credentials. */
  readonly login: LoginCheck;
  /** Carries out what commands ask of the running agent. */
  readonly requests: Requests;
  /** Hears when the parts work with the configuration. */
  readonly reload: Pick<Reload, "works">;
  /** Aborts when the agent ends, and not only these parts of it. */
  readonly ending: AbortSignal;
  /** Logs how the node is when it is asked to. */
  readonly snapshots: SnapshotLog;
  /** Tells the service manager how the node is. */
  readonly service: ServiceLink;
}
