import {
  deregisterNode,
  type DeregisterOptions,
  NotEnrolledError,
  purgeNode,
} from "../agent/deregister.ts";
import { AgentNotEnrolledError } from "../agent/ask_running_agent.ts";
import { describeError } from "../platform/log.ts";
import { membershipPaths } from "../store/folders.ts";
import { asHeldError } from "./agent_failure.ts";
import { EXIT, type Invocation } from "./command.ts";
import { counted } from "./output/counted.ts";
import { plain } from "./output/text_width.ts";
import { stateHomeIn } from "./state_home.ts";
import { changeChoices } from "./terminal/change_choices.ts";
import { choicesFile, withoutMembership } from "./terminal/choices.ts";

/** `plexd deregister`: leaves the control plane; with `--purge`, no trace. */
export async function deregister(invocation: Invocation): Promise<number> {
  const { flags, stop, version } = invocation;
  const config = await invocation.config();
  const options = {
    config,
    io: invocation.platform(config),
    version,
    stop,
    force: flags["--force"] === true,
  };
  try {
    const hasLeft = await leave(invocation, options);
    if (flags["--purge"] === true) await purge(invocation, options, hasLeft);
    forgetChoices(invocation, options);
  } catch (error) {
    throw asHeldError(error, config);
  }
  return EXIT.fine;
}

/** @returns whether there was a node to leave. */
async function leave(
  { flags, print, complain, progress }: Invocation,
  options: DeregisterOptions,
): Promise<boolean> {
  try {
    const { nodeId, note } = await progress(
      "Leaving",
      () => deregisterNode(options),
    );
    if (note !== "") complain(`plexd: ${note}`);
    print(
      nodeId === undefined
        ? "deregistered"
        : plain(`node ${nodeId} deregistered`),
    );
    return true;
  } catch (error) {
    // A purge wants the folder gone, whatever a former node has left in it.
    const { data_dir: dataDir, cluster } = options.config;
    const isNoNode = error instanceof NotEnrolledError ||
      error instanceof AgentNotEnrolledError;
    const goOn = isNoNode &&
      flags["--purge"] === true && isThere(dataDir, cluster);
    if (!goOn) throw error;
    complain("plexd: this node is not enrolled; what is left of it goes");
    return false;
  }
}

async function purge(
  { print, complain }: Invocation,
  options: DeregisterOptions,
  hasLeft: boolean,
) {
  const { folder, reports, dataEntries } = await purgeNode(options, hasLeft);
  complain(
    `plexd: removed ${folder}, with ${counted(reports, "report")} and ` +
      `${counted(dataEntries, "data entry", "data entries")}; ` +
      `the machine's key ` +
      `${options.config["seal.key_file"]} was left alone`,
  );
  print("local data purged");
}

/** No terminal of this user is about this membership any more. */
function forgetChoices(
  { complain }: Invocation,
  { config, io }: DeregisterOptions,
) {
  const { cluster, data_dir: dataDir } = config;
  const home = stateHomeIn(Deno.env);
  if (home === undefined) return;
  const path = choicesFile(home);
  try {
    changeChoices(
      path,
      io.clock,
      (choices) => withoutMembership(choices, cluster, dataDir),
    );
  } catch (error) {
    // The node is gone all the same.
    complain(
      `plexd: terminals may still be about it (${path}): ${
        describeError(error)
      }`,
    );
  }
}

function isThere(dataDir: string, cluster: string): boolean {
  try {
    return Deno.statSync(membershipPaths(dataDir, cluster).root).isDirectory;
  } catch {
    return false;
  }
}
