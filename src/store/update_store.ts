import * as z from "zod/mini";
import { type Clock, isoTime } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";
import type { SignedRelease, VerifiedArtifact } from "../wire/release.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { DamagedFolder } from "./damaged_folder.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import { membershipPaths } from "./folders.ts";
import type { RecoveryListener } from "./recovery.ts";
import { replaceUnderLock, underShortLock } from "./short_lock.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** Path of the file, below the membership's folder. */
export const UPDATES_FILE = "updates/updates.json";

/** What was staged longer ago than this was given up by whoever staged it. */
const PENDING_LIFE_MS = 3_600_000;

/** Characters of a text that are kept. */
const LONGEST_TEXT = 500;

/** What became of an update. */
export const UPDATE_OUTCOMES = [
  /** The new version runs. */
  "activated",
  /** It was never put in place. */
  "failed",
  /** It was put in place, and taken back. */
  "rolled_back",
  /** It was staged, and nobody went on with it. */
  "expired",
] as const;

export type UpdateOutcome = typeof UPDATE_OUTCOMES[number];

/** A release with what its signature vouches for, as it was stored. */
export interface StoredArtifact extends SignedRelease {
  /** SHA-256 of the file, in lower-case hex. */
  readonly sha256: string;
  readonly keyId: string;
}

/** What can take over again. */
export interface RollbackCandidate {
  readonly version: string;
  /** Absolute path of the program that was replaced. */
  readonly path: string;
  /** Of that program, in lower-case hex. */
  readonly sha256: string;
}

/** What is known of the versions of plexd on this node. Times are RFC 3339. */
export interface UpdateRecord {
  /** The version that runs; absent before the first start. */
  readonly current?: {
    readonly version: string;
    readonly since: string;
    /** Absent when it was not put in place by an update. */
    readonly artifact?: StoredArtifact;
  };
  /** Staged, and not in place yet. To be verified anew before it is used. */
  readonly pending?: {
    readonly artifact: StoredArtifact;
    readonly since: string;
  };
  /** Which part of a rollout this node is in. */
  readonly canaryGroup?: string;
  readonly rollback?: RollbackCandidate;
  readonly last?: {
    readonly version: string;
    readonly outcome: UpdateOutcome;
    readonly at: string;
    /** Why, in a few words; empty when there is nothing to say. */
    readonly detail: string;
  };
}

const artifactSchema = z.object({
  version: z.string(),
  name: z.string(),
  sums: z.string(),
  signature: z.string(),
  sha256: z.string(),
  key_id: z.string(),
});
const updatesSchema = z.object({
  format: z.literal(1),
  current: z.optional(z.object({
    version: z.string(),
    since: z.string(),
    artifact: z.optional(artifactSchema),
  })),
  pending: z.optional(z.object({
    artifact: artifactSchema,
    since: z.string(),
  })),
  canary_group: z.optional(z.string()),
  rollback: z.optional(z.object({
    version: z.string(),
    path: z.string(),
    sha256: z.string(),
  })),
  last: z.optional(z.object({
    version: z.string(),
    outcome: z.enum(UPDATE_OUTCOMES),
    at: z.string(),
    detail: z.string(),
  })),
});
type UpdatesFile = z.infer<typeof updatesSchema>;

/** What an {@linkcode UpdateStore} works with. */
type UpdateContext = Pick<
  StoreContext,
  "root" | "disk" | "damaged" | "clock" | "log" | "recovered"
>;

/**
 * Which version of plexd runs, and what becomes of the next one.
 *
 * It has a lock of its own, held for a moment only: `plexd upgrade` writes it
 * while `plexd up` runs. So it keeps nothing in memory. What becomes pending or
 * current is a {@linkcode VerifiedArtifact}, which only the verifier can make;
 * what is read back is no such thing any more.
 *
 * @see seed Node Local State Store, section 4 "Update Metadata"
 */
export class UpdateStore {
  readonly #context: UpdateContext;
  readonly #isRehearsal: boolean;
  /** What was last wrong with the file: it is read often, and told once. */
  #fault: string | undefined;

  /** @param isRehearsal Takes no lock: the disk keeps changes to itself. */
  constructor(context: UpdateContext, isRehearsal = false) {
    this.#context = context;
    this.#isRehearsal = isRehearsal;
  }

  /** As it is now. A damaged file is set aside, and that is told. */
  get record(): UpdateRecord {
    return recordOf(this.#read());
  }

  /**
   * Removes an update that was staged more than an hour ago, and says so:
   * whoever was about to put it in place is gone.
   */
  dropStale(): void {
    const { clock, recovered, log } = this.#context;
    const isStale = ({ pending }: UpdatesFile) =>
      pending !== undefined &&
      !(clock.now() - Date.parse(pending.since) <= PENDING_LIFE_MS);
    const { pending } = this.#read();
    if (!pending || !isStale({ format: 1, pending })) return;
    const { version } = pending.artifact;
    const what = `an update to ${version} that was staged ${pending.since}`;
    try {
      this.#change((file) => {
        if (!isStale(file)) return file;
        const { pending: _, ...rest } = file;
        return { ...rest, last: this.#outcome(version, "expired", what) };
      });
    } catch (error) {
      // It is never used as it is, and the next one takes its place.
      log.warn("A staged update could not be removed", {
        error: describeError(error),
      });
      return;
    }
    recovered({ file: UPDATES_FILE, what, action: "removed" });
  }

  /**
   * Notes which version runs. One that no update has put in place is nothing
   * else than that.
   *
   * @throws {StoreWriteError}
   */
  running(version: string): void {
    if (this.#read().current?.version === version) return;
    this.#change((file) => ({
      ...file,
      current: { version, since: this.#now() },
    }));
  }

  /**
   * Notes an update that is about to be put in place, instead of one that was.
   *
   * @throws {StoreWriteError}
   */
  stage(artifact: VerifiedArtifact): void {
    const pending = { artifact: stored(artifact), since: this.#now() };
    this.#change((file) => ({ ...file, pending }));
  }

  /**
   * Notes an update that is in place.
   *
   * @param rollback What it has replaced, where that can be put back.
   * @throws {StoreWriteError}
   */
  activate(artifact: VerifiedArtifact, rollback?: RollbackCandidate): void {
    const { version } = artifact;
    const at = this.#now();
    this.#change(({ pending: _pending, rollback: _former, ...file }) => ({
      ...file,
      current: { version, since: at, artifact: stored(artifact) },
      ...(rollback ? { rollback } : {}),
      last: this.#outcome(version, "activated", ""),
    }));
  }

  /**
   * Notes an update that came to nothing; there is none pending any more.
   *
   * @param detail Why, in a few words without secrets.
   * @throws {StoreWriteError}
   */
  failed(version: string, detail: string): void {
    this.#change(({ pending: _, ...file }) => ({
      ...file,
      last: this.#outcome(version, "failed", detail),
    }));
  }

  /**
   * Notes that the version before is in place again.
   *
   * @param detail Why, in a few words without secrets.
   * @throws {StoreWriteError}
   */
  rolledBack(version: string, detail: string): void {
    const since = this.#now();
    this.#change(({ pending: _, rollback, ...file }) => ({
      ...file,
      ...(rollback ? { current: { version: rollback.version, since } } : {}),
      last: this.#outcome(version, "rolled_back", detail),
    }));
  }

  /**
   * Notes which part of a rollout this node is in; undefined for none.
   *
   * @throws {StoreWriteError}
   */
  assign(canaryGroup: string | undefined): void {
    if (this.#read().canary_group === canaryGroup) return;
    this.#change(({ canary_group: _, ...file }) => ({
      ...file,
      ...(canaryGroup === undefined
        ? {}
        : { canary_group: brief(canaryGroup) }),
    }));
  }

  #now(): string {
    return isoTime(this.#context.clock.now());
  }

  #outcome(version: string, outcome: UpdateOutcome, detail: string) {
    return { version, outcome, at: this.#now(), detail: brief(detail) };
  }

  #change(next: (file: UpdatesFile) => UpdatesFile) {
    const { disk, root } = this.#context;
    const path = `${root}/${UPDATES_FILE}`;
    const work = () => {
      const { bytes } = withSum(JSON.stringify(next(this.#read())));
      replaceUnderLock(disk, path, bytes);
    };
    try {
      if (this.#isRehearsal) work();
      else underShortLock(`${root}/updates`, work);
    } catch (error) {
      throw new StoreWriteError("what is known of updates", error);
    }
  }

  #read(): UpdatesFile {
    const { disk, root, damaged, recovered } = this.#context;
    try {
      const bytes = readIfThere(disk, `${root}/${UPDATES_FILE}`);
      const file: UpdatesFile = bytes ? decode(bytes) : { format: 1 };
      this.#fault = undefined;
      return file;
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = describeError(error);
      if (what === this.#fault) return { format: 1 };
      this.#fault = what;
      const action = `${damaged.setAside(UPDATES_FILE)}; it is begun anew`;
      recovered({ file: UPDATES_FILE, what, action });
      return { format: 1 };
    }
  }
}

/** Options for {@linkcode openUpdates}. */
export interface OpenUpdatesOptions {
  readonly dataDir: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Hears of every repair; each is logged as a warning as well. */
  readonly recovered?: RecoveryListener;
}

/**
 * What is known of updates, for a command that does not hold the membership.
 *
 * @returns undefined when there is no such membership on this node.
 * @throws {RangeError} for a cluster name that is no plain name.
 */
export function openUpdates(
  options: OpenUpdatesOptions,
): UpdateStore | undefined {
  const { dataDir, cluster, clock, log } = options;
  const { root } = membershipPaths(dataDir, cluster);
  if (!isFolder(root)) return undefined;
  return new UpdateStore({
    root,
    disk: systemDisk,
    damaged: new DamagedFolder(systemDisk, root, clock),
    clock,
    log,
    recovered(recovery) {
      log.warn("A stored file was not as it was left", { ...recovery });
      options.recovered?.(recovery);
    },
  });
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function brief(text: string): string {
  return text.slice(0, LONGEST_TEXT).toWellFormed();
}

function stored(artifact: VerifiedArtifact) {
  const { version, name, sums, signature, sha256, keyId } = artifact;
  return { version, name, sums, signature, sha256, key_id: keyId };
}

function artifactOf(
  { key_id, ...artifact }: z.infer<typeof artifactSchema>,
): StoredArtifact {
  return { ...artifact, keyId: key_id };
}

function recordOf(
  { current, pending, canary_group, rollback, last }: UpdatesFile,
): UpdateRecord {
  return {
    ...(current ? { current: currentOf(current) } : {}),
    ...(pending
      ? {
        pending: {
          artifact: artifactOf(pending.artifact),
          since: pending.since,
        },
      }
      : {}),
    ...(canary_group === undefined ? {} : { canaryGroup: canary_group }),
    ...(rollback ? { rollback } : {}),
    ...(last ? { last } : {}),
  };
}

function currentOf(
  { version, since, artifact }: NonNullable<UpdatesFile["current"]>,
): NonNullable<UpdateRecord["current"]> {
  if (!artifact) return { version, since };
  return { version, since, artifact: artifactOf(artifact) };
}

/** @throws {ShapeError} unless every byte is as it was written. */
function decode(bytes: Uint8Array<ArrayBuffer>): UpdatesFile {
  const checked = checkSum(bytes);
  if (!checked) throw new ShapeError("its sum is wrong");
  return parseShape("updates", updatesSchema, checked.text);
}
