import { ActionEngine } from "../actions/action_engine.ts";
import type { ActionSettings } from "../actions/action_settings.ts";
import { describeHooks } from "../actions/describe_actions.ts";
import { ResultReporter } from "../actions/result_reporter.ts";
import type { Config } from "../config/settings.ts";
import { isoTime } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { Membership } from "../store/membership.ts";
import { KeyRotation } from "../sync/key_rotation.ts";
import { applyUpdatedPeers } from "../sync/updated_peers.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";
import type { Capabilities } from "../wire/bodies.ts";
import type { ExecutionRequest } from "../wire/state.ts";
import type { StatusDocument } from "../wire/status.ts";
import { rejectionNotes } from "./rejection_notes.ts";
import type { TelemetryIntake } from "./telemetry_intake.ts";

/** What the control plane can ask the node to do, beside being as desired. */
export interface NodeTasks {
  readonly engine: ActionEngine;
  readonly rotation: KeyRotation;
  readonly parts: readonly Part[];
  /** Actions that run now. */
  readonly running: number;
  /** Takes on what a pull of dialect 2 lists. */
  offerPulled(requests: readonly ExecutionRequest[]): void;
  status(): StatusDocument["tasks"];
  /** What capabilities tell about the configured actions. */
  hooks(): Promise<Capabilities["hooks"]>;
}

/** What {@linkcode buildTasks} works with. */
export interface TaskNeeds {
  readonly config: Config;
  readonly store: Pick<
    Membership,
    "executions" | "keyRotation" | "paths" | "state" | "transitions"
  >;
  readonly uplink: NodeUplink;
  readonly intake: Pick<TelemetryIntake, "record">;
  readonly io: Platform;
}

/** The settings of actions, as the engine takes them. */
export function actionSettings(config: Config): ActionSettings {
  return {
    enabled: config["actions.enabled"],
    commands: config["actions.commands"],
    maxConcurrent: config["actions.max_concurrent"],
    maxTimeoutMs: config["actions.max_action_timeout"],
    maxOutputBytes: config["actions.max_output_bytes"],
  };
}

/** Puts together what runs actions and rotates the node's key. */
export function buildTasks(
  { config, store, uplink, intake, io }: TaskNeeds,
): NodeTasks {
  const settings = actionSettings(config);
  const reporter = new ResultReporter({
    outbox: store.executions,
    uplink,
    io,
  });
  const noteRejection = rejectionNotes(store.transitions);
  const engine = new ActionEngine({
    settings,
    store: store.executions,
    reporter,
    tempFolder: store.paths.tmp,
    audit: (record) => {
      intake.record(record);
      if (record.action === "reject") noteRejection(record.object);
    },
    io,
  });
  const rotation = new KeyRotation({
    store: store.keyRotation,
    uplink,
    onPeers: (peers) => applyUpdatedPeers(store.state, peers),
    io,
  });
  return {
    engine,
    rotation,
    parts: [engine, reporter, rotation],
    get running() {
      return engine.running;
    },
    offerPulled(requests) {
      // They are listed again by the next pull.
      engine.offerPulled(requests).catch((error: unknown) => {
        io.log.error("Actions could not be taken on", {
          error: describeError(error),
        });
      });
    },
    hooks: () => describeHooks(settings),
    status() {
      const { lastAt, pending, lastError, nextTryMs } = rotation.status;
      return {
        actions_running: engine.running,
        results_unreported: store.executions.unreported.length,
        key_rotation: {
          last_at: lastAt ?? null,
          pending_since: pending?.since ?? null,
          last_error: lastError ?? null,
          next_try_at: nextTryMs === undefined ? null : isoTime(nextTryMs),
        },
      };
    },
  };
}
