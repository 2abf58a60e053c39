import { runAgent } from "../agent/agent.ts";
import type { ReloadPort } from "../agent/reload.ts";
import { runsActions } from "../agent/reload_settings.ts";
import { kernelFiles } from "../agent/kernel_files.ts";
import { ServiceLink } from "../agent/service_link.ts";
import { openKernelFiles } from "../platform/kernel_files.ts";
import type { LiveLogger } from "../platform/live_logger.ts";
import { liveLogger } from "../platform/live_logger.ts";
import { ownStartTicks } from "../platform/process_identity.ts";
import { openServiceManager } from "../platform/open_service_manager.ts";
import { membershipPaths } from "../store/folders.ts";
import { noteHolder } from "../store/lock.ts";
import { asCommandError } from "./agent_failure.ts";
import { agentSignals, type Asked } from "./agent_signals.ts";
import { EXIT, type Invocation } from "./command.ts";
import { giveUpSpawning, maySpawn } from "./give_up_spawning.ts";
import { joinUsers, leaveUsers } from "./users.ts";

/** `plexd up`: runs the agent until it is told to stop. */
export async function up(invocation: Invocation): Promise<number> {
  const { flags, version } = invocation;
  const config = await invocation.config();
  const platform = invocation.platform(config);
  const live = liveLogger(platform.log);
  const io = { ...platform, log: live.log };
  // Later the runtime would not open them.
  using kernel = openKernelFiles(kernelFiles());
  ownStartTicks();
  noteHolder(membershipPaths(config.data_dir, config.cluster).root);
  // Before anything that others can write to is open.
  if (!runsActions(config)) giveUpSpawning();
  using signals = agentSignals();
  const stop = AbortSignal.any([invocation.stop, signals.gone]);
  using manager = openServiceManager(io.log);
  const service = new ServiceLink(manager, io);
  const reloads = reloadPort(invocation, signals.reload, live);
  const snapshots = signals.snapshot;
  const users = await joinUsers(flags["--users-lock"]);
  try {
    await service.during(
      () =>
        runAgent({
          config,
          io,
          kernel,
          version,
          service,
          reloads,
          snapshots,
          stop,
        }),
      stop,
    );
  } catch (error) {
    if (!stop.aborted) throw asCommandError(error, config);
  } finally {
    await leaveUsers(users);
  }
  return EXIT.fine;
}

function reloadPort(
  invocation: Invocation,
  asked: Asked,
  live: LiveLogger,
): ReloadPort {
  return {
    onRequest: (listener) => asked.onRequest(listener),
    load: () => invocation.reloadedConfig(),
    useLog: (config) => live.use(invocation.platform(config).log),
    maySpawn,
  };
}
