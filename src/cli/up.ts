import { runAgent } from "../agent/agent.ts";
import { asCommandError } from "./agent_failure.ts";
import { EXIT, type Invocation } from "./command.ts";
import { joinUsers, leaveUsers } from "./users.ts";

/** `plexd up`: runs the agent until it is told to stop. */
export async function up(invocation: Invocation): Promise<number> {
  const { flags, stop, version } = invocation;
  const config = await invocation.config();
  const io = invocation.platform(config);
  const users = await joinUsers(flags["--users-lock"]);
  try {
    await runAgent({ config, io, version, stop });
  } catch (error) {
    if (!stop.aborted) throw asCommandError(error, config);
  } finally {
    await leaveUsers(users);
  }
  return EXIT.fine;
}
