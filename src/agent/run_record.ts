import type { Config } from "../config/settings.ts";
import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import { AgentState } from "../store/agent_state.ts";
import type { Membership } from "../store/membership.ts";

/** What a run of the agent says of itself, for the next one and for people. */
export interface RunRecord extends Disposable {
  readonly agentState: AgentState;
  /**
   * The agent has stopped, with nothing left to write. A run that is disposed
   * of without has failed.
   */
  stopped(): void;
  /** The agent ends, and why: to be disposed of next. */
  failing(reason: string): void;
}

/** What {@linkcode beginRun} needs. */
export interface RunParts {
  readonly config: Config;
  readonly version: string;
  readonly store: Pick<Membership, "transitions" | "updates">;
  readonly io: Platform;
}

/** Notes that the agent starts: in its own state, the ring and the updates. */
export function beginRun(
  { config, version, store, io }: RunParts,
): RunRecord {
  store.transitions.note("start", { reason: `plexd ${version}` });
  const agentState = AgentState.begin({
    dataDir: config.data_dir,
    cluster: config.cluster,
    version,
    features: featuresOf(config),
    ...io,
  });
  try {
    store.updates.running(version);
  } catch (error) {
    io.log.warn("The version that runs could not be noted", {
      error: describeError(error),
    });
  }
  let isOver = false;
  let why: string | undefined;
  return {
    agentState,
    stopped() {
      isOver = true;
      store.transitions.note("stop");
      agentState.stopped();
    },
    failing(reason) {
      why = reason;
    },
    [Symbol.dispose]() {
      if (isOver) return;
      store.transitions.note(
        "failed",
        why === undefined ? {} : { reason: why },
      );
      agentState.failed();
    },
  };
}

/** Names of what is switched on, such as `actions`, in a fixed order. */
function featuresOf(config: Config): readonly string[] {
  const features: Readonly<Record<string, boolean>> = {
    actions: config["actions.enabled"],
    audit: config["audit_fwd.enabled"],
    logs: config["log_fwd.enabled"],
    metrics: config["metrics.enabled"],
    tcp: config["node_api.http_enabled"],
    probe: config["peers.probe"] !== "off",
    dialect_forced: config["api.dialect"] !== "auto",
    insecure_tls: config["api.tls_insecure_skip_verify"],
    plaintext: config["api.allow_plaintext"],
    signed_only: config["trust.require_signed_snapshots"],
  };
  return Object.keys(features).filter((name) => features[name]);
}
