import { describeError } from "../platform/log.ts";
import { type CacheForm, readCache } from "./cache_file.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import { membershipPaths } from "./folders.ts";
import type { PublicIdentity } from "./identity.ts";
import { decodeIdentity, IDENTITY_FILE } from "./identity_file.ts";
import { type Fault, loadState } from "./load_state.ts";
import { loadReports } from "./open_reports.ts";
import { OBSERVATIONS_FORM, type PeerObservation } from "./peer_cache.ts";
import { type Route, ROUTES_FILE, ROUTES_FORM } from "./route_cache.ts";
import {
  readSessions,
  type SessionRecord,
  SESSIONS_FILE,
} from "./session_log.ts";
import { PART_FILES } from "./state_files.ts";
import { sortedMap, type StateParts } from "./state_view.ts";
import type { DataEntry } from "../wire/data_entry.ts";

/** Options for {@linkcode readMembership}. */
export interface ReadMembershipOptions {
  readonly dataDir: string;
  readonly cluster: string;
}

/** What a membership's files tell without the key that opens its secrets. */
export interface StoredMembership {
  /** Absent when the node is not registered. */
  readonly identity?: PublicIdentity;
  readonly state: StateParts;
  readonly reports: ReadonlyMap<string, DataEntry>;
  /** SSH sessions that were asked for, newest last. */
  readonly sessions: readonly SessionRecord[];
  /** By ids of peers. */
  readonly observations: ReadonlyMap<string, PeerObservation>;
  readonly routes: readonly Route[];
  /** When each was written last, peers with policies; ms since epoch. */
  readonly changedMs: {
    readonly directory: number | undefined;
    readonly services: number | undefined;
    readonly routes: number | undefined;
    readonly sessions: number | undefined;
  };
  /** Damaged files. They were left out, and left alone. */
  readonly faults: readonly Pick<Fault, "file" | "what">[];
}

/**
 * Reads a membership without its lock, its key, or any change to it.
 *
 * @returns undefined when there is no such membership.
 * @throws {CorruptIdentityError} when the identity is damaged.
 * @throws {Error} of the system when the folders cannot be read.
 */
export function readMembership(
  options: ReadMembershipOptions,
): StoredMembership | undefined {
  const { root, state } = membershipPaths(options.dataDir, options.cluster);
  if (!isThere(state)) return undefined;
  const bytes = readIfThere(systemDisk, `${root}/${IDENTITY_FILE}`);
  const loaded = loadState(systemDisk, root);
  const reports = loadReports(systemDisk, root);
  const faults = [...loaded.faults, ...reports.faults];
  const cached = <Entry>(form: CacheForm<Entry>): readonly Entry[] => {
    try {
      return readCache(systemDisk, root, form) ?? [];
    } catch (error) {
      faults.push({
        file: form.file,
        what: describeError(error),
        remedy: "set_aside",
      });
      return [];
    }
  };
  const observations = cached(OBSERVATIONS_FORM);
  const routes = cached(ROUTES_FORM);
  return {
    ...(bytes ? { identity: decodeIdentity(bytes).identity } : {}),
    state: loaded.state,
    reports: sortedMap(reports.entries.map((entry) => [entry.key, entry])),
    sessions: readSessions(systemDisk, root).sessions,
    observations: new Map(observations.map((one) => [one.peerId, one])),
    routes,
    changedMs: {
      directory: changedMs(`${root}/${PART_FILES.directory}`),
      services: changedMs(`${root}/${PART_FILES.services}`),
      routes: changedMs(`${root}/${ROUTES_FILE}`),
      sessions: changedMs(`${root}/${SESSIONS_FILE}`),
    },
    faults,
  };
}

function changedMs(path: string): number | undefined {
  try {
    return Deno.statSync(path).mtime?.getTime();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
