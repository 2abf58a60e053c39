import { machineSeal } from "../../agent/machine_seal.ts";
import type { Config } from "../../config/settings.ts";
import type { Platform } from "../../platform/platform.ts";
import { noteDiagnostics } from "../../store/agent_state.ts";
import { SILENT, type Survey, surveyMembership } from "../../store/survey.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { storedMembership } from "../stored_membership.ts";
import { printFindings } from "./findings.ts";

/** `plexd store verify`: looks at every file of a membership, offline. */
export async function storeVerify(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const io = invocation.platform(config);
  const survey = await invocation.progress(
    "Looking at every file",
    () => surveyed(config, io),
  );
  const { findings, unchecked, holder } = survey;
  const isClean = findings.length === 0;
  // Where this user may not write, nothing is noted: the answer is here.
  noteDiagnostics(
    { dataDir: config.data_dir, ...io, log: SILENT },
    { kind: "store_verify", outcome: isClean ? "ok" : "findings" },
  );
  if (holder) {
    invocation.complain(
      `plexd: an agent runs${
        holder.pid === undefined ? "" : ` (pid ${holder.pid})`
      } and may change files meanwhile; left-over files are not looked for`,
    );
  }
  if (isClean && !storedMembership(config)?.identity) {
    invocation.complain("plexd: no node is enrolled here");
  }
  for (const what of unchecked) invocation.complain(`plexd: left out ${what}`);
  const text = {
    repairHead: "A REPAIR",
    none: "all files are as they should be",
  };
  await printFindings(invocation, findings, text, {
    clean: isClean,
    unchecked,
    agent_running: holder !== undefined,
  });
  return isClean ? EXIT.fine : EXIT.failed;
}

/**
 * @throws {CommandError} when there is no such membership, or this user may
 * not read it.
 */
export async function surveyed(
  config: Config,
  { clock, random }: Platform,
): Promise<Survey> {
  const { data_dir: dataDir, cluster } = config;
  try {
    const seal = machineSeal(config, random);
    const options = { dataDir, cluster, seal, clock, random };
    const survey = await surveyMembership(options);
    if (survey) return survey;
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new CommandError(
      EXIT.failed,
      `this user may not read ${dataDir}`,
      "run this as root, or as the user of the agent",
    );
  }
  throw new CommandError(
    EXIT.notFound,
    `there is no membership "${cluster}" in ${dataDir}`,
    "name another one with --data-dir and --cluster",
  );
}
