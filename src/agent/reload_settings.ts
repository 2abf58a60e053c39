import { settingChanges } from "../config/setting_changes.ts";
import type { Config, SettingName } from "../config/settings.ts";

/** Settings that the log obeys at once: no part has to begin anew. */
const LIVE: readonly SettingName[] = ["log_level", "log_format"];

/**
 * Settings of what is opened once and lives as long as the process: the store
 * with its lock and its seal, and what takes logs and audit records.
 */
const OF_THE_PROCESS: readonly SettingName[] = [
  "data_dir",
  "cluster",
  "seal.key_file",
  "store.snapshots_kept",
  "store.ring_size",
  "log_fwd.enabled",
  "log_fwd.batch_size",
  "audit_fwd.enabled",
  "audit_fwd.batch_size",
];

/** Their defaults follow the membership, which stays. */
const OF_THE_CLUSTER: readonly SettingName[] = [
  "node_api.socket_path",
  "node_api.secrets_socket_path",
];

const ACTIONS: readonly SettingName[] = ["actions.enabled", "actions.commands"];

/** What a configuration that was read anew means for a running agent. */
export interface ReloadPlan {
  /** What holds from now on. */
  readonly config: Config;
  /** What changes, as `name: from -> to`. */
  readonly changed: readonly string[];
  /** What would change, but needs another process. */
  readonly kept: readonly string[];
  /**
   * Whether parts begin anew. They do when nothing has changed, too: files that
   * settings name, such as certificates, are read when parts begin.
   */
  readonly restarts: boolean;
}

/** What decides whether actions may be added. */
export interface ReloadLimits {
  /** The process may start others; once given up, that cannot be had back. */
  readonly maySpawn: boolean;
}

/** Sorts what has changed by what it takes to apply it. */
export function planReload(
  from: Config,
  to: Config,
  { maySpawn }: ReloadLimits,
): ReloadPlan {
  const unusable = new Set<SettingName>([
    ...OF_THE_PROCESS,
    ...(to.cluster === from.cluster ? [] : OF_THE_CLUSTER),
    ...(maySpawn || !runsActions(to) ? [] : ACTIONS),
  ]);
  const all = settingChanges(from, to);
  const kept = all.filter(({ name }) => unusable.has(name));
  const changed = all.filter(({ name }) => !unusable.has(name));
  const old = Object.fromEntries(kept.map(({ name }) => [name, from[name]]));
  const sentence = ({ name, from, to }: typeof all[number]) =>
    `${name}: ${from} -> ${to}`;
  return {
    config: Object.freeze({ ...to, ...old }),
    changed: changed.map(sentence),
    kept: kept.map(sentence),
    restarts: changed.length === 0 ||
      changed.some(({ name }) => !LIVE.includes(name)),
  };
}

/** Whether anything could ever be run. */
export function runsActions(config: Config): boolean {
  return config["actions.enabled"] &&
    Object.keys(config["actions.commands"]).length > 0;
}
