import type { Config } from "../config/settings.ts";
import { LocalCallError } from "../client/errors.ts";
import { askIfRunning, refusalIn } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { show } from "./output/show.ts";
import { storedMembership } from "./stored_membership.ts";

/**
 * `plexd --print-state`: what the running agent serves; without one, what its
 * store holds. Names of secrets, never a value.
 */
export async function printState(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const state = await fromAgent(config) ??
    JSON.stringify(fromDisk(config, invocation));
  await show(invocation, {
    json: state,
    table: async (screen) =>
      (await import("./state_table.ts")).stateTable(screen, JSON.parse(state)),
    usual: "json",
  });
  return EXIT.fine;
}

/** @returns undefined when no agent is running. */
async function fromAgent(config: Config): Promise<string | undefined> {
  const answer = await askIfRunning(config, "GET", "/v1/state");
  if (answer instanceof LocalCallError) return undefined;
  if (answer.status === 200) return answer.text;
  throw refusalIn(answer);
}

function fromDisk(config: Config, { complain }: Invocation): unknown {
  const stored = storedMembership(config);
  if (!stored) {
    throw new CommandError(
      EXIT.notFound,
      `no agent is running, and there is no state in ${config.data_dir}`,
      'name another folder with --data-dir, or start with "plexd join"',
    );
  }
  complain("plexd: no agent is running; this is what its store holds on disk");
  for (const { file, what } of stored.faults) {
    complain(`plexd: left out ${file}: ${what}`);
  }
  const { metadata, data, secretRefs } = stored.state;
  return {
    metadata: Object.fromEntries(metadata),
    data_keys: [...data.values()].map((entry) => ({
      key: entry.key,
      version: entry.version,
      content_type: entry.contentType,
    })),
    secret_keys: secretRefs,
    report_keys: [...stored.reports.values()]
      .map(({ key, version }) => ({ key, version })),
  };
}
