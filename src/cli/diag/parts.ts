import { recentLogOf } from "../../agent/recent_log_of.ts";
import type { Config } from "../../config/settings.ts";
import type { Platform } from "../../platform/platform.ts";
import { processFigures } from "../../platform/process_figures.ts";
import { readLastRun } from "../../store/read_last_run.ts";
import { lockHolder } from "../../store/lock.ts";
import { membershipPaths } from "../../store/folders.ts";
import { type Survey, surveyMembership } from "../../store/survey.ts";
import { machineSeal } from "../../agent/machine_seal.ts";
import { LocalCallError } from "../../client/errors.ts";
import { askIfRunning } from "../ask_agent.ts";
import { CommandError, type FoundConfig } from "../command.ts";
import { effectiveSettings } from "../config/effective.ts";
import { unitOf } from "../logs.ts";
import { statusOf } from "../status.ts";
import { stoppedAgent, stoppedDocument } from "../stopped_agent.ts";
import { versionFacts } from "../version.ts";
import { EVENTS, pick, STATUS } from "./allowed.ts";
import { settingsTold } from "./settings_told.ts";

/** Versions, and the machine as far as it matters to plexd. */
export function versionsPart(): unknown {
  return {
    ...versionFacts(),
    ...pick(Deno.version, { v8: true, typescript: true }) as object,
    os: Deno.build.os,
    arch: Deno.build.arch,
    kernel: Deno.osRelease(),
    uid: Deno.uid(),
    uptime_s: Deno.osUptime(),
    process: processFigures(),
  };
}

/** What the agent says of itself, or its disk when it does not run. */
export async function statusPart(config: Config): Promise<unknown> {
  const answer = await statusOf(config);
  return answer instanceof LocalCallError
    ? stoppedDocument(config, stoppedAgent(config))
    : pick(answer.body, STATUS);
}

/** The transition ring, from the agent or from disk. */
export async function eventsPart(config: Config): Promise<unknown> {
  const { data_dir: dataDir, cluster } = config;
  try {
    const answer = await askIfRunning(config, "GET", "/v1/events");
    if (!(answer instanceof LocalCallError) && answer.status === 200) {
      return pick(answer.body, { events: EVENTS, capacity: true });
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
  }
  const { transitions } = readLastRun(dataDir, cluster);
  return { events: pick(transitions, EVENTS), from_disk: true };
}

/** Settings, and where the configuration is wrong; never what stands there. */
export function configPart(
  { config, origins, problems, path, hasFile }: FoundConfig,
): unknown {
  return {
    file: hasFile ? path : null,
    wrong_at: problems.map(({ where }) => where),
    settings: config ? settingsTold(effectiveSettings(config, origins)) : null,
  };
}

/**
 * What "plexd store verify" would find.
 *
 * @returns undefined when there is no such membership.
 */
export async function surveyOf(
  config: Config,
  io: Platform,
): Promise<Survey | undefined> {
  const { data_dir: dataDir, cluster } = config;
  const seal = machineSeal(config, io.random);
  return await surveyMembership({ dataDir, cluster, seal, ...io });
}

/** The last lines of the agent's log; elsewhere, where they may be found. */
export async function logPart(
  config: Config,
  io: Platform,
  stop: AbortSignal,
): Promise<string> {
  const { data_dir: dataDir, cluster } = config;
  const { root } = membershipPaths(dataDir, cluster);
  if (lockHolder(root)) {
    return (await recentLogOf(config, io, stop)).join("\n") + "\n";
  }
  return "No agent is running, so its log is not in memory. Where systemd runs " +
    `it, the journal has it:\n  journalctl --no-pager -n 500 -u ${
      unitOf(config)
    }\n`;
}
