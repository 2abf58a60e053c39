import { dirname, join } from "node:path";
import type { Logger } from "../platform/log.ts";
import { findGroup } from "./group.ts";
import { ListenError } from "./listen_error.ts";
import type { Listener, RequestHandler } from "./listener.ts";

/** The kernel has 108 bytes for a path, the last of them a NUL. */
const LONGEST_PATH_BYTES = 107;

/** Options for {@linkcode openUnixListener}. */
export interface UnixListenerOptions {
  readonly path: string;
  /** Group whose members may connect. Empty: only this user. */
  readonly group: string;
  /** Where groups are looked up. */
  readonly groupFile: string;
  readonly handler: RequestHandler;
  readonly log: Logger;
}

/**
 * Listens on a Unix socket.
 *
 * The socket is made under another name, gets its owner and mode there, and is
 * renamed into place: at its path it has never been open to anyone else, and a
 * stale socket is replaced in one step. A stale one is one that refuses a
 * connection; anything else at the path is left alone.
 *
 * @throws {ListenError}
 */
export async function openUnixListener(
  options: UnixListenerOptions,
): Promise<Listener> {
  const { path } = options;
  // Short, so that it fits wherever the socket's own name does.
  const temporary = join(dirname(path), `.${Deno.pid.toString(36)}`);
  const longest = Math.max(byteLength(path), byteLength(temporary));
  if (longest > LONGEST_PATH_BYTES) {
    throw new ListenError(
      "path_too_long",
      `Cannot listen on ${path}: a socket path has at most ` +
        `${LONGEST_PATH_BYTES} bytes, this one needs ${longest}`,
    );
  }
  try {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    await proveFree(path);
    return bindAndRename(options, temporary);
  } catch (error) {
    if (error instanceof ListenError) throw error;
    throw new ListenError("failed", `Cannot listen on ${path}`, error);
  }
}

/** Nothing is at `path`, or a socket that nobody listens on. */
async function proveFree(path: string): Promise<void> {
  const found = lstat(path);
  if (!found) return;
  if (!found.isSocket) {
    throw new ListenError(
      "not_a_socket",
      `Cannot listen on ${path}: something that is not a socket is there`,
    );
  }
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    const gone = error instanceof Deno.errors.ConnectionRefused ||
      error instanceof Deno.errors.NotFound;
    if (gone) return;
    // A full queue, or a mode that keeps us out, is somebody's too.
    throw new ListenError("in_use", `Cannot prove ${path} stale`, error);
  }
  throw new ListenError(
    "in_use",
    `Cannot listen on ${path}: another process answers there`,
  );
}

function bindAndRename(
  options: UnixListenerOptions,
  temporary: string,
): Listener {
  const { path, handler, log } = options;
  if (lstat(temporary)?.isSocket) Deno.removeSync(temporary);
  const stop = new AbortController();
  const server = Deno.serve({
    path: temporary,
    signal: stop.signal,
    onListen() {},
  }, handler);
  let inode: number | null;
  try {
    giveToGroup(temporary, options);
    inode = Deno.lstatSync(temporary).ino;
    Deno.renameSync(temporary, path);
  } catch (error) {
    stop.abort();
    throw error;
  }
  return {
    finished: server.finished,
    async close() {
      // By identity: a successor may already have its own socket at the path.
      if (lstat(path)?.ino === inode) Deno.removeSync(path);
      stop.abort();
      await server.finished.catch((error) =>
        log.debug("Listener had failed", { socket: path, error })
      );
    },
  };
}

/** 0660 for the group, or 0600 when there is none to give it to. */
function giveToGroup(temporary: string, options: UnixListenerOptions) {
  const { path, group, groupFile, log } = options;
  // Shut while it changes hands.
  Deno.chmodSync(temporary, 0o600);
  if (group === "") return;
  const gid = findGroup(group, groupFile);
  if (gid === undefined) {
    log.warn("Group not found, socket is for this user only", {
      socket: path,
      group,
    });
    return;
  }
  try {
    Deno.chownSync(temporary, null, gid);
    Deno.chmodSync(temporary, 0o660);
  } catch (error) {
    log.warn("Socket not given to its group, it is for this user only", {
      socket: path,
      group,
      error,
    });
  }
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
