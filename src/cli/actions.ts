import {
  type ActionDescription,
  describeActions,
} from "../actions/describe_actions.ts";
import { actionSettings } from "../agent/node_tasks.ts";
import type { Config } from "../config/settings.ts";
import { isoTime } from "../platform/clock.ts";
import { readExecutions } from "../store/read_executions.ts";
import { readLastRun } from "../store/read_last_run.ts";
import { EXIT, type Invocation } from "./command.ts";
import type { Screen } from "./output/screen.ts";
import { outputForm, show } from "./output/show.ts";
import { type Cell, table } from "./output/table.ts";
import { reading } from "./stored_membership.ts";

/** Executions that are listed, the newest first. */
const SHOWN = 20;

/**
 * `plexd actions`: what the control plane may run here, whether it would run,
 * and what was run last.
 */
export async function actions(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const enabled = config["actions.enabled"];
  const configured = await describeActions(
    actionSettings(config),
    agentUidOf(config),
  );
  const executions = executionsOf(config);
  const rejected = rejectedIn(config);
  if (outputForm(invocation) === "table") {
    if (!enabled) {
      invocation.complain(
        "plexd: actions are off; actions.enabled turns them on",
      );
    }
    if (configured.length === 0) {
      invocation.complain(
        "plexd: no action is configured; see actions.commands",
      );
    }
  }
  await show(invocation, {
    json: JSON.stringify({
      enabled,
      actions: configured.map((action) => ({
        name: action.name,
        path: action.path,
        mode: action.mode ?? null,
        sha256: action.sha256 ?? null,
        problem: action.problem ?? null,
      })),
      executions,
      rejected,
    }),
    table: (screen) =>
      [
        configuredTable(screen, configured),
        executionTable(screen, executions),
        rejectedTable(screen, rejected),
      ].filter((text) => text !== "").join("\n\n"),
  });
  return EXIT.fine;
}

/** Whoever asks need not be who runs the agent, to whom its data belong. */
function agentUidOf({ data_dir: dataDir }: Config): number | undefined {
  try {
    return Deno.statSync(dataDir).uid ?? undefined;
  } catch {
    return undefined; // It has never run here.
  }
}

function configuredTable(
  screen: Screen,
  configured: readonly ActionDescription[],
): string {
  if (configured.length === 0) return "";
  const rows = configured.map((action): Cell[] => [
    action.name,
    action.path,
    action.mode ?? "-",
    action.sha256 ?? "-",
    action.problem ? { text: action.problem, colour: "red" } : "-",
  ]);
  const head = ["ACTION", "EXECUTABLE", "MODE", "SHA-256", "PROBLEM"];
  return table(screen, head, rows);
}

function executionTable(
  screen: Screen,
  executions: ReturnType<typeof executionsOf>,
): string {
  if (executions.length === 0) return "";
  const rows = executions.map((one) => [
    one.execution_id,
    one.action,
    one.began_at,
    one.status,
    one.exit_code === null ? "-" : String(one.exit_code),
    one.reported ? "yes" : "no",
  ]);
  const head = ["EXECUTION", "ACTION", "BEGAN", "STATUS", "EXIT", "REPORTED"];
  return table(screen, head, rows);
}

function rejectedTable(
  screen: Screen,
  rejected: ReturnType<typeof rejectedIn>,
): string {
  if (rejected.length === 0) return "";
  const rows = rejected.map(({ at, what }): Cell[] => [
    at,
    { text: what, colour: "yellow" },
  ]);
  return table(screen, ["REJECTED", "ACTION AND REASON"], rows);
}

/** What was asked for and did not run, the newest first. */
function rejectedIn({ data_dir: dataDir, cluster }: Config) {
  return reading(dataDir, () => readLastRun(dataDir, cluster)).transitions
    .filter(({ type }) => type === "rejected")
    .map(({ at, reason }) => ({ at, what: reason ?? "" }))
    .reverse().slice(0, SHOWN);
}

function executionsOf({ data_dir: dataDir, cluster }: Config) {
  return reading(dataDir, () => readExecutions(dataDir, cluster, SHOWN))
    .map(({ executionId, action, acceptedAtMs, result, isOpen }) => ({
      execution_id: executionId,
      action,
      began_at: isoTime(acceptedAtMs),
      status: result?.status ?? "running",
      exit_code: result?.exit_code ?? null,
      reported: !isOpen,
    }));
}
