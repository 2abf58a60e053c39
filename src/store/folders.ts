import { dirname } from "node:path";
import { describeError } from "../platform/log.ts";
import { isMissing } from "./disk.ts";
import { errorCode, StoreOpenError } from "./store_errors.ts";
import { isShortage } from "./typed_reads.ts";

/** Folders of a membership, parents first. */
const FOLDERS = [
  "identity",
  "trust",
  "snapshots",
  "state",
  "state/data",
  "state/report",
  "state/.damaged",
  "sync",
  "peers",
  "routes",
  "services",
  "health",
  "updates",
  "telemetry",
  "executions",
  "requests",
  "tmp",
] as const;

/** Nothing but what is observed lies there: the agent can do without. */
const DISPENSABLE: readonly string[] = [
  "routes",
  "health",
  "updates",
  "telemetry",
];

/** Where a membership keeps what. All are absolute or relative as `dataDir` is. */
export interface MembershipPaths {
  readonly root: string;
  readonly lock: string;
  readonly identity: string;
  readonly trust: string;
  readonly state: string;
  readonly sync: string;
  readonly health: string;
  readonly tmp: string;
}

/**
 * The paths of one membership.
 *
 * @throws {RangeError} when `cluster` could lead out of the data folder.
 */
export function membershipPaths(
  dataDir: string,
  cluster: string,
): MembershipPaths {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(cluster)) {
    throw new RangeError(
      'Cannot open the store as "cluster" must be 1 to 64 letters, digits, ' +
        `".", "_" or "-", the first a letter or digit: current value is ${
          JSON.stringify(cluster)
        }`,
    );
  }
  const root = `${dataDir}/clusters/${cluster}`;
  return {
    root,
    lock: `${root}/lock`,
    identity: `${root}/identity`,
    trust: `${root}/trust`,
    state: `${root}/state`,
    sync: `${root}/sync`,
    health: `${root}/health`,
    tmp: `${root}/tmp`,
  };
}

/**
 * Makes the membership's own folder, for the owner only.
 *
 * @throws {StoreOpenError} when it cannot be made, or is no plain folder.
 */
export function makeRoot(dataDir: string, root: string): void {
  // The data folder itself may be a link, as systemd makes it, or be shared.
  if (!isFolder(dataDir)) makeFolder(dataDir, root);
  for (const folder of [dirname(root), root]) makeFolder(folder, root);
}

/**
 * Makes the folders inside it.
 *
 * @param failed Hears of folders that are there, but cannot be used, and can be
 * done without.
 * @throws {StoreOpenError} as {@linkcode makeRoot}, for all others; without
 * `failed` for these, too.
 */
export function makeFolders(
  root: string,
  failed?: (name: string, error: StoreOpenError) => void,
): void {
  for (const name of FOLDERS) {
    try {
      makeFolder(`${root}/${name}`, root);
    } catch (error) {
      const isTolerable = error instanceof StoreOpenError &&
        !isShortage(error.cause) && DISPENSABLE.includes(name) &&
        isThere(`${root}/${name}`);
      if (!failed || !isTolerable) throw error;
      failed(name, error);
    }
  }
}

/** Folders of a membership that are not there, parents first. */
export function missingFolders(root: string): readonly string[] {
  return FOLDERS.filter((name) => !isFolder(`${root}/${name}`));
}

function makeFolder(path: string, root: string) {
  try {
    const found = statOf(path);
    if (found) return checkFolder(path, found);
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    // Else a power cut could take the folder back, with all that is in it.
    using parent = Deno.openSync(dirname(path));
    parent.syncSync();
  } catch (error) {
    throw new StoreOpenError(root, describeError(error), error);
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Also of what cannot be looked at. */
function isThere(path: string): boolean {
  try {
    return statOf(path) !== undefined;
  } catch {
    return true;
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A link could lead writes elsewhere; what others may enter, they could read. */
function checkFolder(path: string, found: Deno.FileInfo) {
  if (!found.isDirectory) {
    throw new Error(`${path} is not a folder, or a link to one`);
  }
  if (((found.mode ?? 0) & 0o077) === 0) return;
  try {
    Deno.chmodSync(path, 0o700);
  } catch (error) {
    if (errorCode(error) !== "EROFS") throw error;
  }
}
