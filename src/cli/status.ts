import type { LocalAnswer } from "../client/call.ts";
import { LocalCallError } from "../client/errors.ts";
import type { Config } from "../config/settings.ts";
import type { StatusDocument } from "../wire/status.ts";
import { askIfRunning, failureOf, refusalIn } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { fields } from "./output/fields.ts";
import { outputForm, show } from "./output/show.ts";
import { statusFields } from "./status_screen.ts";
import {
  type StoppedAgent,
  stoppedAgent,
  stoppedDocument,
  stoppedFields,
} from "./stopped_agent.ts";

/**
 * `plexd status`: one screen that says whether the agent is well. Exits 0 when
 * the agent answers, also while it is degraded; 4, with what the disk knows,
 * when it does not run.
 */
export async function status(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const now = invocation.platform(config).clock.now();
  const answer = await statusOf(config);
  if (answer instanceof LocalCallError) {
    return await showStopped(invocation, config, answer, now);
  }
  await show(invocation, {
    json: answer.text,
    table: async (screen) => {
      const { origins } = await invocation.inspectedConfig();
      const chosenBy = origins.get("cluster")?.where;
      return fields(screen, statusFields(documentIn(answer), now, chosenBy));
    },
  });
  return EXIT.fine;
}

/**
 * What the agent says of itself, or that it does not run.
 *
 * @throws {CommandError} when it cannot be asked otherwise, or is that of
 * another membership.
 */
export async function statusOf(
  config: Config,
): Promise<LocalAnswer | LocalCallError> {
  const answer = await askIfRunning(config, "GET", "/v1/status?probe=true");
  if (answer instanceof LocalCallError || answer.status === 200) return answer;
  throw refusalIn(answer);
}

/** @throws {CommandError} for the status of an agent of another version. */
export function documentIn({ body }: LocalAnswer): StatusDocument {
  if (isStatus(body)) return body;
  throw new CommandError(
    EXIT.failed,
    "the agent says its status in another way than this version knows",
    'see it with "plexd status --output json"',
  );
}

async function showStopped(
  invocation: Invocation,
  config: Config,
  failure: LocalCallError,
  now: number,
): Promise<number> {
  const { complain } = invocation;
  const notRunning = failureOf(failure);
  complain(`plexd: ${notRunning.message}`);
  if (invocation.terminal.choice?.cluster === config.cluster) {
    complain(
      `  this terminal is about membership ${config.cluster}; ` +
        '"plexd use --clear" ends that',
    );
  }
  if (notRunning.hint) complain(`  ${notRunning.hint}`);
  let stopped: StoppedAgent;
  try {
    stopped = stoppedAgent(config);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    complain(`plexd: ${error.message}`);
    return notRunning.exitCode;
  }
  // Nothing is told of a machine that plexd has never run on.
  const isEmpty = !stopped.stored && !stopped.lastRun.run;
  if (isEmpty && outputForm(invocation) === "table") return notRunning.exitCode;
  await show(invocation, {
    json: JSON.stringify(stoppedDocument(config, stopped)),
    table: (screen) => fields(screen, stoppedFields(config, stopped, now)),
  });
  return notRunning.exitCode;
}

const SECTIONS = [
  "reasons",
  "stream",
  "events",
  "pull",
  "state",
  "caches",
  "signed_state",
  "sync",
  "contact",
  "store",
  "agent",
  "identity",
  "resources",
  "updates",
  "tasks",
  "telemetry",
];

/** An agent of another version may be running: enough to show nothing wrong. */
function isStatus(body: unknown): body is StatusDocument {
  return typeof body === "object" && body !== null &&
    SECTIONS.every((name) =>
      typeof Object.getOwnPropertyDescriptor(body, name)?.value === "object"
    );
}
