import { join } from "node:path";

/** Longest path the kernel takes for a Unix socket, in bytes. */
const LONGEST_SOCKET_PATH = 107;

/** Where everything of one `plexd dev` lives. */
export interface DevFolders {
  readonly root: string;
  /** Whether `root` is removed in the end. */
  readonly temporary: boolean;
  readonly controlPlane: string;
  readonly agentData: string;
  readonly agentConfig: string;
  readonly machineKey: string;
  readonly tokenFile: string;
  readonly busConfig: string;
  readonly busStore: string;
  readonly socket: string;
  readonly secretsSocket: string;
  /** Temporary sockets' folder that lies outside `root`, if one was needed. */
  readonly outside?: string;
  /** Held shared by every process that uses `root`. */
  readonly usersLock: string;
}

/**
 * Lays out the folder of a `plexd dev`: a temporary one, or `dataDir`, which is
 * kept and resumed from.
 */
export async function makeFolders(
  dataDir: string | undefined,
): Promise<DevFolders> {
  const root = dataDir === undefined
    ? await Deno.makeTempDir({ prefix: "plexd-dev-" })
    : await makeOwnFolder(dataDir);
  const encoder = new TextEncoder();
  const inside = join(root, "run");
  const fits = encoder.encode(join(inside, "secrets.sock")).length <=
    LONGEST_SOCKET_PATH;
  const sockets = fits
    ? inside
    : await Deno.makeTempDir({ prefix: "plexd-dev-" });
  await Deno.mkdir(sockets, { recursive: true, mode: 0o700 });
  return {
    root,
    temporary: dataDir === undefined,
    controlPlane: join(root, "control-plane"),
    agentData: join(root, "agent"),
    agentConfig: join(root, "agent.yaml"),
    machineKey: join(root, "machine.key"),
    tokenFile: join(root, "bootstrap-token"),
    busConfig: join(root, "nats-server.conf"),
    busStore: join(root, "nats"),
    socket: join(sockets, "api.sock"),
    secretsSocket: join(sockets, "secrets.sock"),
    usersLock: join(root, "users.lock"),
    ...(fits ? {} : { outside: sockets }),
  };
}

async function makeOwnFolder(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  return await Deno.realPath(path);
}
