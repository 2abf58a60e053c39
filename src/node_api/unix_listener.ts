import { dirname, join } from "node:path";
import type { Logger } from "../platform/log.ts";
import { findGroup } from "./group.ts";
import { ListenError } from "./listen_error.ts";
import type { Listener, RequestHandler } from "./listener.ts";

/** The kernel has 108 bytes for a path, the last of them a NUL. */
const LONGEST_PATH_BYTES = 107;

/** A socket's first name, in a folder of its own. */
const NEWBORN = "s";

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
 * The socket is made in a folder of this user's alone, gets its owner and mode
 * there, and is renamed into place: at its path it has never been open to anyone else, and a
 * stale socket is replaced in one step. A stale one is one that refuses a
 * connection; anything else at the path is left alone.
 *
 * @throws {ListenError}
 */
export function openUnixListener(
  options: UnixListenerOptions,
): Promise<Listener> {
  const { path, handler, log } = options;
  const prepare = (temporary: string) => giveToGroup(temporary, options);
  return listenAt(path, handler, prepare, log);
}

/** @param prepare Gets the socket's first name, before anybody else sees it. */
async function listenAt(
  path: string,
  handler: RequestHandler,
  prepare: (temporary: string) => void,
  log: Logger,
): Promise<Listener> {
  // Short, so that it fits wherever the socket's own name does.
  const cradle = join(dirname(path), `.${Deno.pid.toString(36)}`);
  const temporary = join(cradle, NEWBORN);
  assertShort(path, Math.max(byteLength(path), byteLength(temporary)));
  try {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    await proveFree(path);
    return inCradle(
      cradle,
      () =>
        bindAndRename(path, temporary, handler, () => prepare(temporary), log),
    );
  } catch (error) {
    if (error instanceof ListenError) throw error;
    throw new ListenError("failed", `Cannot listen on ${path}`, error);
  }
}

function assertShort(path: string, needed: number) {
  if (needed > LONGEST_PATH_BYTES) {
    throw new ListenError(
      "path_too_long",
      `Cannot listen on ${path}: a socket path has at most ` +
        `${LONGEST_PATH_BYTES} bytes, this one needs ${needed}`,
    );
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

/**
 * Works in a folder that is this user's alone, and goes again: a socket has some
 * mode before it is given one, and the mask that decides about it belongs to the
 * whole process.
 */
function inCradle(cradle: string, work: () => Listener): Listener {
  // A process that was killed may have left it.
  removeCradle(cradle);
  Deno.mkdirSync(cradle, { mode: 0o700 });
  try {
    return work();
  } finally {
    removeCradle(cradle);
  }
}

/** By name, as reading a folder takes a descriptor, and there may be none. */
function removeCradle(cradle: string) {
  const found = lstat(cradle);
  if (!found) return;
  const born = join(cradle, NEWBORN);
  if (found.isDirectory && lstat(born)) Deno.removeSync(born);
  Deno.removeSync(cradle);
}

/**
 * At its path the runtime does not know the socket: whenever it removes what it
 * has made by name, a successor's socket is not meant.
 */
function bindAndRename(
  path: string,
  temporary: string,
  handler: RequestHandler,
  prepare: () => void,
  log: Logger,
): Listener {
  const bound = bind(temporary, handler);
  try {
    prepare();
    Deno.renameSync(temporary, path);
  } catch (error) {
    bound.stop();
    throw error;
  }
  return asListener(path, bound, log);
}

/**
 * Listens on a Unix socket that only this user can connect to, from its first
 * moment on. What is left there by a process that was killed is replaced.
 *
 * @throws {ListenError}
 */
export function servePrivately(
  path: string,
  handler: RequestHandler,
  log: Logger,
): Promise<Listener> {
  const prepare = (temporary: string) => Deno.chmodSync(temporary, 0o600);
  return listenAt(path, handler, prepare, log);
}

interface Bound {
  readonly inode: number | null;
  readonly finished: Promise<void>;
  stop(): void;
}

function bind(path: string, handler: RequestHandler): Bound {
  const stop = new AbortController();
  try {
    const { finished } = Deno.serve(
      { path, signal: stop.signal, onListen() {} },
      handler,
    );
    const inode = Deno.lstatSync(path).ino;
    return { inode, finished, stop: () => stop.abort() };
  } catch (error) {
    stop.abort();
    throw error;
  }
}

function asListener(path: string, bound: Bound, log: Logger): Listener {
  const place = () => {
    try {
      const found = lstat(path);
      if (!found) return "gone";
      return found.ino === bound.inode ? "kept" : "taken";
    } catch {
      // Nobody may look there now; that says nothing about the socket.
      return "kept";
    }
  };
  return {
    finished: bound.finished,
    place,
    async isListening() {
      if (place() !== "kept") return true;
      try {
        (await Deno.connect({ transport: "unix", path })).close();
        return true;
      } catch (error) {
        // Anything else may be due to whoever asks.
        return !(error instanceof Deno.errors.ConnectionRefused);
      }
    },
    async close() {
      // By identity: a successor may already have its own socket at the path.
      try {
        if (place() === "kept") Deno.removeSync(path);
      } catch (error) {
        // The next one to listen here proves it stale.
        log.debug("Socket not removed", { socket: path, error });
      }
      bound.stop();
      await bound.finished.catch((error) =>
        log.debug("Listener had failed", { socket: path, error })
      );
    },
  };
}

/** 0660 for the group, or 0600 when there is none to give it to. */
function giveToGroup(temporary: string, options: UnixListenerOptions) {
  const { path, group, groupFile, log } = options;
  // Born for this user alone; no execution bits, as on any socket of ours.
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
    const isNone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (isNone) return undefined;
    throw error;
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
