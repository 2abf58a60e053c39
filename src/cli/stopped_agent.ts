import type { Config } from "../config/settings.ts";
import { isoTime } from "../platform/clock.ts";
import type { LockHolder } from "../store/lock_file.ts";
import { type LastRun, readLastRun } from "../store/read_last_run.ts";
import type { StoredMembership } from "../store/read_membership.ts";
import { counted } from "./output/counted.ts";
import type { Field } from "./output/fields.ts";
import { span } from "./output/span.ts";
import { reading, storedMembership } from "./stored_membership.ts";

/** What the disk knows of a node whose agent does not answer. */
export interface StoppedAgent {
  readonly lastRun: LastRun;
  /** Absent when there is no such membership. */
  readonly stored?: StoredMembership;
}

/** @throws {CommandError} when this user may not read it, or it is damaged. */
export function stoppedAgent(config: Config): StoppedAgent {
  const { data_dir: dataDir, cluster } = config;
  const stored = storedMembership(config);
  const lastRun = reading(dataDir, () => readLastRun(dataDir, cluster));
  return { lastRun, ...(stored ? { stored } : {}) };
}

/** Such as `plexd 1.2.0 stopped 3m ago, as it was told to`. */
export function endText({ run, holder }: LastRun, nowMs: number): string {
  const ago = (time: string) => `${span(nowMs - Date.parse(time))} ago`;
  if (!run) return "it has not run here yet";
  const { version, startedAt, stoppedAt, failed } = run;
  if (stoppedAt === null) {
    return holder
      ? `plexd ${version} started ${ago(startedAt)}`
      : `plexd ${version}, started ${ago(startedAt)}, was killed or crashed`;
  }
  return failed
    ? `plexd ${version} failed ${ago(stoppedAt)}`
    : `plexd ${version} stopped ${ago(stoppedAt)}, as it was told to`;
}

/** Rows of `plexd status` for an agent that does not answer. */
export function stoppedFields(
  config: Config,
  { lastRun, stored }: StoppedAgent,
  nowMs: number,
): Field[] {
  const { holder, health } = lastRun;
  const identity = stored?.identity;
  const ago = (ms: number) => `${span(nowMs - ms)} ago`;
  const rows: Field[] = [
    {
      name: "Status",
      text: holder
        ? `${heldBy(holder)} holds the membership, but does not answer`
        : "the agent is not running; this is what its disk tells",
      colour: "red",
    },
    { name: "Last run", text: endText(lastRun, nowMs) },
    ...(health?.reasons ?? []).map(({ reason, since, detail }): Field => ({
      name: "",
      text: `then ${reason} since ${since}: ${detail}`,
      colour: "yellow",
    })),
    {
      name: "Node",
      text: identity
        ? `${identity.nodeId} (${identity.meshIp}), membership ${config.cluster}`
        : `not enrolled, membership ${config.cluster}`,
    },
    {
      name: "Control plane",
      text: config["api.base_url"] ?? identity?.controlPlane ?? "not named",
    },
  ];
  if (stored) rows.push({ name: "State", text: storedText(stored) });
  const pulledMs = health?.contact.lastPullMs;
  if (pulledMs !== undefined) {
    rows.push({ name: "Last pull", text: ago(pulledMs) });
  }
  const faults = [...stored?.faults ?? [], ...lastRun.faults];
  if (faults.length > 0) {
    rows.push({
      name: "Store",
      text: `${counted(faults.length, "file")} damaged, the first ` +
        `${faults[0]!.file}; see "plexd store verify"`,
      colour: "red",
    });
  }
  return rows;
}

/** {@linkcode stoppedFields} for programs. */
export function stoppedDocument(
  config: Config,
  { lastRun, stored }: StoppedAgent,
): Record<string, unknown> {
  const { holder, run, health } = lastRun;
  const { lastPullMs } = health?.contact ?? {};
  return {
    status: "not_running",
    cluster: config.cluster,
    node_id: stored?.identity?.nodeId ?? null,
    holder: holder
      ? {
        pid: holder.pid ?? null,
        since: holder.since ?? null,
        version: holder.version ?? null,
      }
      : null,
    last_run: run
      ? {
        version: run.version,
        started_at: run.startedAt,
        stopped_at: run.stoppedAt,
        failed: run.failed,
      }
      : null,
    reasons: health?.reasons ?? [],
    last_pull_at: lastPullMs === undefined ? null : isoTime(lastPullMs),
    state: stored
      ? {
        metadata: stored.state.metadata.size,
        data: stored.state.data.size,
        secrets: stored.state.secretRefs.length,
        reports: stored.reports.size,
      }
      : null,
  };
}

/** Such as `process 4711 (plexd 1.2.0, since 2026-03-01T12:00:00Z)`. */
export function heldBy({ pid, since, version }: LockHolder): string {
  if (pid === undefined) return "a process";
  const told = [
    ...(version ? [`plexd ${version}`] : []),
    ...(since ? [`since ${since}`] : []),
  ].join(", ");
  return `process ${pid}` + (told === "" ? "" : ` (${told})`);
}

function storedText({ state, reports }: StoredMembership): string {
  const { metadata, data, secretRefs, position, complete } = state;
  return `${metadata.size} metadata, ${data.size} data, ` +
    `${counted(secretRefs.length, "secret")}, ` +
    counted(reports.size, "report") +
    (position ? ` (version ${position.version})` : "") +
    (complete ? "" : "; not complete");
}
