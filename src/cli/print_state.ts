import type { Config } from "../config/settings.ts";
import { readMembership } from "../store/read_membership.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { call, LocalCallError } from "./local_client.ts";

/**
 * `plexd --print-state`: what the running agent serves; without one, what its
 * store holds. Names of secrets, never a value.
 */
export async function printState(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const served = await fromAgent(config);
  const state = served ?? fromDisk(config, invocation);
  invocation.print(JSON.stringify(state, null, 2));
  return EXIT.fine;
}

async function fromAgent(config: Config): Promise<unknown> {
  try {
    const answer = await call(
      config["node_api.socket_path"],
      "GET",
      "/v1/state",
    );
    return answer.status === 200 ? answer.body : undefined;
  } catch (error) {
    if (error instanceof LocalCallError) return undefined;
    throw error;
  }
}

function fromDisk(
  config: Config,
  { complain }: Invocation,
): unknown {
  const { data_dir: dataDir, cluster } = config;
  const stored = readMembership({ dataDir, cluster });
  if (!stored) {
    throw new CommandError(
      EXIT.notFound,
      `no agent is running, and there is no state in ${dataDir}`,
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
