import { constants, lstatSync, readlinkSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeError } from "../platform/log.ts";

/** An executable is missing, or somebody else could replace it. */
export class UntrustedFileError extends Error {
  override readonly name = "UntrustedFileError";
}

/** An executable that only root and the agent's user can have written. */
export interface TrustedFile {
  /** Where it really is: no part of this path is a link. */
  readonly path: string;
  readonly stats: Stats;
  /** Number of the agent's user. */
  readonly agentUid: number;
}

/** Whoever runs this program: that of a command need not be the agent's. */
export function ownUid(): number {
  return Deno.uid() ?? 0;
}

/** As many links as the kernel follows. */
const MAX_LINKS = 40;

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Follows a path to an executable, and makes sure on every step that nobody but
 * root and the agent's user could lead it elsewhere: each folder, link and the
 * file itself belongs to one of them, and no group and nobody else may write to
 * it.
 *
 * @param agentUid Number of the agent's user.
 * @throws {UntrustedFileError} naming the step that is not so.
 */
export function findTrustedFile(
  path: string,
  agentUid: number = ownUid(),
): TrustedFile {
  let left = partsOf(path);
  let at = "/";
  let links = 0;
  checkFolder(at, statsOf(at));
  for (;;) {
    const name = left.shift();
    if (name === undefined) {
      throw new UntrustedFileError(`${path} is a folder`);
    }
    if (name === "..") {
      at = dirname(at);
      continue;
    }
    const next = join(at, name);
    const stats = statsOf(next);
    checkOwner(next, stats, agentUid);
    if (stats.isSymbolicLink()) {
      if (++links > MAX_LINKS) {
        throw new UntrustedFileError(`${path} leads through too many links`);
      }
      const target = readlinkSync(next);
      if (target.startsWith("/")) at = "/";
      left = [...partsOf(target), ...left];
    } else if (stats.isDirectory()) {
      checkFolder(next, stats);
      at = next;
    } else if (left.length > 0) {
      throw new UntrustedFileError(`${next} is no folder`);
    } else {
      checkFile(next, stats, agentUid);
      return { path: next, stats, agentUid };
    }
  }
}

/**
 * Opens the file that was found: that one, not what has taken its place since.
 *
 * @throws {UntrustedFileError} when it is another one now.
 */
export async function openTrustedFile(
  { path, stats, agentUid }: TrustedFile,
): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  // Not to wait for a writer, should a pipe have taken its place.
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const opened = await handle.stat();
    checkOwner(path, opened, agentUid);
    checkFile(path, opened, agentUid);
    if (opened.ino === stats.ino && opened.dev === stats.dev) return handle;
    throw new UntrustedFileError(`${path} was replaced meanwhile`);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function statsOf(path: string): Stats {
  try {
    return lstatSync(path);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error &&
      error.code === "ENOENT";
    if (isMissing) throw new UntrustedFileError(`${path} does not exist`);
    throw new UntrustedFileError(
      `${path} cannot be looked at: ${describeError(error)}`,
      { cause: error },
    );
  }
}

function checkOwner(path: string, { uid }: Stats, agentUid: number) {
  if (uid === 0 || uid === agentUid) return;
  throw new UntrustedFileError(
    `${path} belongs to user ${uid}: it must be root's or the agent's own`,
  );
}

/** In a sticky folder, others cannot replace what is not theirs. */
function checkFolder(path: string, { mode, uid }: Stats) {
  const isSticky = (mode & STICKY) !== 0 && uid === 0;
  if ((mode & WRITABLE_BY_OTHERS) === 0 || isSticky) return;
  throw new UntrustedFileError(
    `${path} can be written by others: take that away with chmod go-w`,
  );
}

function checkFile(path: string, stats: Stats, agentUid: number) {
  if (!stats.isFile()) throw new UntrustedFileError(`${path} is no plain file`);
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new UntrustedFileError(
      `${path} can be written by others: take that away with chmod go-w`,
    );
  }
  if ((stats.mode & 0o111) === 0) {
    throw new UntrustedFileError(`${path} is not executable`);
  }
  // It is copied. What a group may do, only opening it tells.
  const readable = stats.uid === agentUid ? 0o400 : 0o044;
  if (agentUid !== 0 && (stats.mode & readable) === 0) {
    throw new UntrustedFileError(
      `${path} cannot be read by the agent's user: allow it with chmod a+r`,
    );
  }
}
