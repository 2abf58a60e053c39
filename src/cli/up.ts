import { runAgent } from "../agent/agent.ts";
import { ServiceLink } from "../agent/service_link.ts";
import { openServiceManager } from "../platform/open_service_manager.ts";
import { asCommandError } from "./agent_failure.ts";
import { EXIT, type Invocation } from "./command.ts";
import { joinUsers, leaveUsers } from "./users.ts";

/** `plexd up`: runs the agent until it is told to stop. */
export async function up(invocation: Invocation): Promise<number> {
  const { flags, stop, version } = invocation;
  const config = await invocation.config();
  const io = invocation.platform(config);
  using manager = openServiceManager(io.log);
  const service = new ServiceLink(manager, io);
  const users = await joinUsers(flags["--users-lock"]);
  try {
    await service.during(
      () => runAgent({ config, io, version, service, stop }),
      stop,
    );
  } catch (error) {
    if (!stop.aborted) throw asCommandError(error, config);
  } finally {
    await leaveUsers(users);
  }
  return EXIT.fine;
}
