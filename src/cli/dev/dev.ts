import type { Clock } from "../../platform/clock.ts";
import type { Dialect } from "../../wire/dialect.ts";
import { describeError } from "../../platform/log.ts";
import type { BusPrograms } from "./bus_child.ts";
import { type DevFolders, makeFolders } from "./folders.ts";
import { areAlive, findLaunchers } from "./launchers.ts";
import { narrate } from "./narrator.ts";
import { runTour } from "./tour.ts";
import { UsersLock } from "./users_lock.ts";
import { type Transport, World } from "./world.ts";

/** How often to look whether what started us is still there. */
const LAUNCHER_LOOK_MS = 1_000;

/** Options for {@linkcode runDev}. */
export interface DevOptions {
  /** Folder to keep and resume from; a temporary one when absent. */
  readonly dataDir?: string;
  /** Show everything once, without a person, and exit. */
  readonly tour: boolean;
  /** Dialect that a fresh node joins in. */
  readonly dialect: Dialect;
  readonly transport: Transport;
  /** Programs of the message bus; absent for none. */
  readonly bus?: BusPrograms;
  readonly clock: Clock;
  readonly print: (line: string) => void;
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly stop: AbortSignal;
}

/**
 * `plexd dev`: a control plane and an enrolled agent, live, in two processes.
 *
 * @returns the exit code: 0 after a clean stop or a complete tour, else 1.
 */
export async function runDev(options: DevOptions): Promise<number> {
  const { clock, print, tour } = options;
  const orphaned = new AbortController();
  const signal = AbortSignal.any([options.stop, orphaned.signal]);
  const watch = watchLaunchers(clock, orphaned);
  const folders = await makeFolders(options.dataDir);
  const users = await UsersLock.join(folders.usersLock);
  try {
    if (tour) {
      print("plexd dev --tour: the whole system, once through");
      return await runTour({ ...options, folders, signal });
    }
    return await live(folders, options, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    return tour ? 1 : 0;
  } finally {
    orphaned.abort();
    await watch;
    if (users.leave()) await removeTemporary(folders);
    users.close();
  }
}

async function live(
  folders: DevFolders,
  options: DevOptions,
  signal: AbortSignal,
): Promise<number> {
  const { print } = options;
  const world = new World({
    ...options,
    folders,
    logs: { agent: (line) => printIfAny(print, narrate(line)) },
    agentSettings: {},
    signal,
  });
  try {
    print("plexd dev: a control plane and an agent on this machine\n");
    print("[1/3] Starting the control plane ...");
    await world.startControlPlane();
    print(`      up at ${world.url}`);
    await world.startBus();
    if (world.busUrl !== undefined) {
      print(`      and a message bus at ${world.busUrl}`);
    }
    const known = await isEnrolled(folders);
    if (known) {
      print("[2/3] The node is enrolled already; resuming.");
    } else {
      print("[2/3] Enrolling a node with a fresh one-time token.");
      await world.leaveToken();
    }
    print("[3/3] Starting the agent ...");
    const { node_id, mesh_ip } = await world.startAgent();
    print(`      up as node ${node_id} (${mesh_ip})\n`);
    for (const line of directions(world, node_id)) print(line);
    const ended = await Promise.race([
      whenAborted(signal),
      world.unexpectedEnd,
    ]);
    // Ctrl-C reaches all processes of a terminal at once: that is no surprise.
    if (ended === undefined || signal.aborted) {
      print("\nStopping ...");
      return 0;
    }
    print(`\nStopping, since ${ended}. The last lines of all:`);
    for (const line of world.lastLines) print(`  ${line}`);
    return 1;
  } catch (error) {
    if (signal.aborted) return 0;
    print(`\nThis did not start: ${describeError(error)}. It said:`);
    for (const line of world.lastLines) print(`  ${line}`);
    return 1;
  } finally {
    await world.stop();
    print(
      folders.temporary
        ? "Stopped; everything temporary is removed."
        : `Stopped; the state is kept in ${folders.root}.`,
    );
  }
}

/** What a person can look at and try, ready to be copied. */
function directions(world: World, nodeId: string): readonly string[] {
  const { socket, secretsSocket } = world.folders;
  return [
    `Local API       ${socket}`,
    `  with secrets  ${secretsSocket}`,
    `Admin API       ${world.url}/admin/v1`,
    `  its token in  ${world.adminTokenFile}`,
    `Command line    plexd status --config ${world.folders.agentConfig}`,
    "",
    "Try, in another terminal:",
    "",
    "  # read the node's state",
    `  curl --unix-socket ${socket} http://localhost/v1/state`,
    "",
    "  # set a value on the control plane; its event shows below",
    `  curl -X PUT ${world.url}/admin/v1/nodes/${nodeId}/metadata/region \\`,
    `    -H "Authorization: Bearer $(cat ${world.adminTokenFile})" \\`,
    `    -d '{"value":"eu-1"}'`,
    "",
    "  # write a report, which goes upstream after five quiet seconds",
    `  curl -X PUT --unix-socket ${socket} \\`,
    "    http://localhost/v1/state/report/health \\",
    `    -d '{"content_type":"application/json","payload":{"ok":true}}'`,
    "",
    "Live from the agent (Ctrl-C stops everything):",
    "",
  ];
}

async function isEnrolled(folders: DevFolders): Promise<boolean> {
  const path = `${folders.agentData}/clusters/default/identity/identity.json`;
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Also removes the sockets' folder when a long `--data-dir` put it elsewhere. */
async function removeTemporary(folders: DevFolders): Promise<void> {
  const gone = folders.temporary ? [folders.root] : [folders.usersLock];
  if (folders.outside) gone.push(folders.outside);
  for (const path of gone) await Deno.remove(path, { recursive: true });
}

/** Aborts when what started us is gone, so that nobody could stop us. */
async function watchLaunchers(clock: Clock, orphaned: AbortController) {
  const launchers = findLaunchers();
  try {
    while (areAlive(launchers)) {
      await clock.sleep(LAUNCHER_LOOK_MS, orphaned.signal);
    }
    orphaned.abort();
  } catch {
    // Aborted: we are stopping anyway.
  }
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

function printIfAny(print: (line: string) => void, line: string | undefined) {
  if (line !== undefined) print(line);
}
