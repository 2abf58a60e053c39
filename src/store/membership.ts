import type { Clock } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";
import type { Random } from "../platform/random.ts";
import { CredentialsStore } from "./credentials_store.ts";
import { DamagedFolder } from "./damaged_folder.ts";
import { type Disk, systemDisk } from "./disk.ts";
import { EventLedger } from "./event_ledger.ts";
import {
  makeFolders,
  makeRoot,
  type MembershipPaths,
  membershipPaths,
} from "./folders.ts";
import { ExecutionStore } from "./execution_store.ts";
import { forgetNode } from "./forget_node.ts";
import { GrantedStore } from "./granted_store.ts";
import { HealthStore } from "./health_store.ts";
import { IdentityRecord } from "./identity_record.ts";
import { IdentityStore } from "./identity_store.ts";
import { KeyRotationStore } from "./key_rotation_store.ts";
import { type Lock, takeLock } from "./lock.ts";
import { openReports } from "./open_reports.ts";
import { openState } from "./open_state.ts";
import { PeerCache } from "./peer_cache.ts";
import type { Recovery, RecoveryListener } from "./recovery.ts";
import { RecoveryLog } from "./recovery_log.ts";
import { TempFolder } from "./replace_file.ts";
import { ReportStore } from "./report_store.ts";
import { RestoredMarker } from "./restored_marker.ts";
import { RequestBox } from "./request_box.ts";
import { RouteCache } from "./route_cache.ts";
import type { SealKey, SealKeySource } from "./seal_key.ts";
import { SecretNames } from "./secret_names.ts";
import { SessionLog } from "./session_log.ts";
import { SnapshotStore } from "./snapshot_store.ts";
import type { StateStore } from "./state_store.ts";
import { SpentTokens } from "./spent_tokens.ts";
import { OpenFolders, type StoreContext } from "./store_context.ts";
import { AlreadyRunningError, StoreOpenError } from "./store_errors.ts";
import { SyncLedger } from "./sync_ledger.ts";
import { TransitionRing } from "./transition_ring.ts";
import { TrustBundleStore } from "./trust_bundle_store.ts";
import { TrustMarks } from "./trust_marks.ts";
import { TrustStore } from "./trust_store.ts";
import { typedReads } from "./typed_reads.ts";
import { UpdateStore } from "./update_store.ts";

/** Options for {@linkcode openMembership}. */
export interface MembershipOptions {
  /** Folder of all memberships, made when it is not there. */
  readonly dataDir: string;
  /** Name of the membership. */
  readonly cluster: string;
  /** The key that seals secrets, or where to get it from. */
  readonly seal: SealKey | SealKeySource;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Hears of every repair; each is logged as a warning as well. */
  readonly recovered?: RecoveryListener;
  /** Activated signed states that are kept, at least 2. @default {3} */
  readonly snapshotsKept?: number;
  /** Transitions that are kept at most. @default {256} */
  readonly ringSize?: number;
  /** Written into the lock file. @default {""} */
  readonly version?: string;
  /** @default {systemDisk} */
  readonly disk?: Disk;
  /**
   * Takes no lock and makes no folder: to find out what opening would repair,
   * on a disk that keeps every change to itself.
   * @default {false}
   */
  readonly rehearsal?: boolean;
}

/**
 * One node's membership of one cluster: everything that must survive a crash.
 * Held by one process at a time, until it is closed.
 */
export interface Membership extends AsyncDisposable {
  readonly paths: MembershipPaths;
  readonly identity: IdentityStore;
  readonly identityRecord: IdentityRecord;
  readonly credentials: CredentialsStore;
  /** What the sealed files are sealed with. */
  readonly sealKey: Pick<SealKey, "id" | "source">;
  readonly spentTokens: SpentTokens;
  readonly keyRotation: KeyRotationStore;
  readonly trust: TrustStore;
  readonly trustBundle: TrustBundleStore;
  readonly marks: TrustMarks;
  readonly snapshots: SnapshotStore;
  readonly granted: GrantedStore;
  readonly sessions: SessionLog;
  readonly state: StateStore;
  readonly reports: ReportStore;
  readonly syncLedger: SyncLedger;
  readonly events: EventLedger;
  readonly executions: ExecutionStore;
  readonly requests: RequestBox;
  readonly health: HealthStore;
  readonly peerCache: PeerCache;
  readonly routes: RouteCache;
  readonly secretNames: SecretNames;
  readonly recoveries: RecoveryLog;
  readonly transitions: TransitionRing;
  readonly updates: UpdateStore;
  readonly restored: RestoredMarker;
  /** Tells of a repair by those who know more than a file does. */
  readonly recovered: RecoveryListener;
  /**
   * Forgets who this node is and whom it trusts; state and reports stay. To be
   * closed next: nothing else may be written any more.
   *
   * @throws {StoreWriteError} when that could not be made durable.
   */
  forgetNode(): Promise<void>;
  /** Finishes what is being written, takes nothing more, and frees the lock. */
  close(): Promise<void>;
}

/**
 * Opens a membership for writing: locks it, empties its folder of temporary
 * files, and repairs what a crash or the disk has damaged. Damaged state and
 * reports never refuse the start.
 *
 * @throws {AlreadyRunningError} when another process holds it.
 * @throws {StoreOpenError} when its folders cannot be made, locked or listed.
 * @throws {SealKeyError} from `seal`.
 * @throws {RangeError} for a cluster name that is no plain name.
 */
export async function openMembership(
  options: MembershipOptions,
): Promise<Membership> {
  const { dataDir, cluster, rehearsal = false } = options;
  const paths = membershipPaths(dataDir, cluster);
  if (!rehearsal) makeRoot(dataDir, paths.root);
  const lock = rehearsal ? NO_LOCK : lockOf(options, paths);
  const opened: { close(): void }[] = [{ close: () => lock.release() }];
  try {
    if (!rehearsal) makeFolders(paths.root, doWithout(options.log));
    const begun = orOpenError(paths.root, () => contextOf(options, paths));
    const { context } = begun;
    opened.push(context.folders);
    orOpenError(paths.root, () => emptyTemp(context, paths.tmp));
    const key = await sealKeyOf(context, options.seal);
    return orOpenError(
      paths.root,
      () => open(begun, paths, key, lock, options),
    );
  } catch (error) {
    for (const part of opened.reverse()) part.close();
    throw error;
  }
}

const NO_LOCK: Lock = { release() {} };

function doWithout(log: Logger) {
  return (folder: string, error: StoreOpenError) =>
    log.warn("A folder cannot be used; the agent does without it", {
      folder,
      error: describeError(error),
    });
}

function lockOf(
  { clock, version = "" }: MembershipOptions,
  { root }: MembershipPaths,
): Lock {
  return orOpenError(root, () => takeLock(root, clock, version));
}

function open(
  { context, recoveries, transitions }: Begun,
  paths: MembershipPaths,
  key: SealKey,
  lock: { release(): void },
  { snapshotsKept = 3, rehearsal = false }: MembershipOptions,
): Membership {
  // The identity's files may only fit together once this is done.
  const keyRotation = KeyRotationStore.open(context, key);
  const { entries, faults } = openReports(context);
  const lost = faults.map((fault) => fault.file);
  const state = openState(context);
  const reports = new ReportStore(context, entries);
  const marks = new TrustMarks(context);
  const syncLedger = SyncLedger.open(context, lost);
  const executions = ExecutionStore.open(context);
  const health = HealthStore.open(context);
  const identity = new IdentityStore(context, key);
  const identityRecord = IdentityRecord.open(context);
  const credentials = new CredentialsStore(context, key);
  const spentTokens = SpentTokens.open(context);
  const sessions = new SessionLog(context);
  const requests = RequestBox.open(context, key);
  const peerCache = PeerCache.open(context);
  const routes = RouteCache.open(context);
  const secretNames = SecretNames.open(context);
  const updates = new UpdateStore(context, rehearsal);
  updates.dropStale();
  // Last of all: it keeps a file open, which nobody would close if more failed.
  const events = EventLedger.open(context);
  const writers = [state, reports, syncLedger, events, executions];
  let closed: Promise<void> | undefined;
  const close = () =>
    closed ??= Promise.all(writers.map((writer) => writer.close()))
      .then(() => secretNames.close())
      .then(() => transitions.close())
      .then(() => {
        context.folders.close();
        lock.release();
      });
  recoveries.opened();
  transitions.opened();
  return {
    paths,
    identity,
    identityRecord,
    credentials,
    sealKey: key,
    spentTokens,
    keyRotation,
    trust: new TrustStore(context),
    trustBundle: new TrustBundleStore(context),
    marks,
    granted: new GrantedStore(context, key),
    snapshots: new SnapshotStore(context, key, marks, { kept: snapshotsKept }),
    sessions,
    state,
    reports,
    syncLedger,
    events,
    executions,
    requests,
    health,
    peerCache,
    routes,
    secretNames,
    recoveries,
    transitions,
    updates,
    restored: new RestoredMarker(context),
    recovered: context.recovered,
    forgetNode: () => forgetNode(context, identity, credentials),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What is there before the stores are, and hears what they repair. */
interface Begun {
  readonly context: StoreContext;
  readonly recoveries: RecoveryLog;
  readonly transitions: TransitionRing;
}

function contextOf(
  options: MembershipOptions,
  { root, tmp }: MembershipPaths,
): Begun {
  const { cluster, clock, random, log, disk = systemDisk } = options;
  const parts = {
    root,
    cluster,
    disk: typedReads(disk),
    temp: new TempFolder(disk, tmp),
    damaged: new DamagedFolder(disk, root, clock),
    folders: new OpenFolders(disk, root),
    clock,
    random,
    log,
  };
  const recoveries = new RecoveryLog(parts);
  const transitions = new TransitionRing(parts, options.ringSize ?? 256);
  const recovered = (recovery: Recovery) => {
    log.warn("A stored file was not as it was left", { ...recovery });
    recoveries.note(recovery);
    const reason = `${recovery.file}: ${recovery.what}`;
    transitions.note("recovered", { reason });
    options.recovered?.(recovery);
  };
  recoveries.load(recovered);
  transitions.load(recovered);
  return { context: { ...parts, recovered }, recoveries, transitions };
}

/** What a crash left half written has no name yet, and no use. */
function emptyTemp({ disk, log }: StoreContext, tmp: string) {
  for (const { name } of disk.list(tmp)) {
    try {
      disk.remove(`${tmp}/${name}`);
    } catch (error) {
      log.warn("A temporary file could not be removed", {
        file: name,
        error: describeError(error),
      });
    }
  }
}

async function sealKeyOf(
  { disk, root }: StoreContext,
  seal: SealKey | SealKeySource,
): Promise<SealKey> {
  if (typeof seal !== "function") return seal;
  const exists = orOpenError(root, () => disk.list(`${root}/identity`))
    .some(({ name }) => name.endsWith(".sealed"));
  return await seal({ exists });
}

function orOpenError<Result>(folder: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof AlreadyRunningError) throw error;
    throw new StoreOpenError(folder, describeError(error), error);
  }
}
