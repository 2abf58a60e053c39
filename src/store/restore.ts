import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { comparePositions } from "../wire/state.ts";
import { diskOf, findingsIn } from "./backup.ts";
import { type Backup, BackupError, isIdentityFile } from "./backup_file.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import { encodeEntryFile } from "./entry_file.ts";
import { SEEN_FILE } from "./event_ledger.ts";
import { EXECUTIONS_FOLDER, parseExecutionName } from "./execution_file.ts";
import { membershipPaths } from "./folders.ts";
import type { PublicIdentity } from "./identity.ts";
import { IDENTITY_FILE } from "./identity_file.ts";
import { type Membership, openMembership } from "./membership.ts";
import { mergeBundles, mergeKeys, mergeMarks } from "./merge_trust.ts";
import { type LogRecord, newLog, readLog } from "./receipt_log.ts";
import { OBSERVATIONS_FILE } from "./peer_cache.ts";
import { reportFileOf } from "./report_store.ts";
import type { SealKey } from "./seal_key.ts";
import { sealKeyIdOf } from "./sealed_file.ts";
import { SESSIONS_FILE } from "./session_log.ts";
import { POINTER_FILE } from "./snapshot_pointer.ts";
import { SPENT_TOKENS_FILE } from "./spent_tokens.ts";
import { CorruptIdentityError, CorruptTrustError } from "./store_errors.ts";
import { SILENT } from "./survey.ts";
import { SYNC_FILE } from "./sync_ledger.ts";
import type { StoredBundle } from "./trust_bundle_store.ts";
import { type Marks, NO_MARKS } from "./trust_marks.ts";
import type { KeyringRecord } from "./trust_store.ts";
import { writeMember } from "./write_member.ts";

/** Options for {@linkcode restore}. */
export interface RestoreOptions {
  readonly dataDir: string;
  readonly cluster: string;
  readonly backup: Backup;
  readonly key: SealKey;
  /** Opens the membership for writing. */
  readonly open: () => Promise<Membership>;
  readonly clock: Clock;
  readonly random: Random;
}

/** What came of a restore. */
export interface Restored {
  /** What was left out or left as it was, in words. */
  readonly notes: readonly string[];
}

/**
 * Puts a backup back. What the node knows better stays: marks, retired keys and
 * revocations are never lowered, and what is newer here is not replaced.
 *
 * Everything in the backup is checked before anything is touched. The marker
 * that the control plane has to be asked first is durable before the rest.
 *
 * @throws {BackupError} when the backup is damaged, or not for this membership.
 * @throws {StoreWriteError} when the disk failed half-way: to be done again.
 * @throws what `open` throws.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { dataDir, cluster, backup, clock, random } = options;
  const notes: string[] = [];
  const members = openable(backup, options.key, notes);
  const [finding] = await findingsIn(members, options);
  if (finding) {
    throw new BackupError(`${finding.file} in it: ${finding.what}`);
  }
  const { root } = membershipPaths(dataDir, cluster);
  await using from = await openMembership({
    dataDir,
    cluster,
    seal: options.key,
    clock,
    random,
    log: SILENT,
    disk: diskOf(members, root),
    rehearsal: true,
  });
  await using store = await options.open();
  const own = await ownIdentity(store);
  checkOwner(backup, cluster, store, own);
  const work = new Restoring(root, members, from, store, notes);
  await work.run(own !== undefined);
  return { notes };
}

/** Sealed snapshots that no key here opens are fetched again; keys are not. */
function openable(
  { members }: Backup,
  key: SealKey,
  notes: string[],
): Backup["members"] {
  const foreign = [...members].filter(([file, bytes]) =>
    file.endsWith(".sealed") && sealKeyIdOf(bytes) !== key.id
  ).map(([file]) => file);
  if (foreign.length === 0) return members;
  const needed = foreign.find(isIdentityFile);
  if (needed !== undefined) {
    throw new BackupError(
      `${needed} in it is sealed with another key than ${key.id}; put the ` +
        "key that this node had back first",
    );
  }
  notes.push("snapshots are sealed with another key, and left out");
  return new Map(
    [...members].filter(([file]) => !file.startsWith("snapshots/")),
  );
}

/** @returns undefined when there is none, or none that is whole. */
async function ownIdentity(
  { identity }: Membership,
): Promise<PublicIdentity | undefined> {
  try {
    return await identity.load();
  } catch (error) {
    if (!(error instanceof CorruptIdentityError)) throw error;
    return undefined;
  }
}

function checkOwner(
  { cluster: from, nodeId }: Backup,
  cluster: string,
  store: Membership,
  own: PublicIdentity | undefined,
) {
  if (isEmpty(store, own)) return;
  if (from !== cluster) {
    throw new BackupError(
      `it is of membership "${from}", and "${cluster}" is not empty`,
    );
  }
  if (own && nodeId !== own.nodeId) {
    throw new BackupError(
      `it is of node ${nodeId ?? "(none)"}, and this is ${own.nodeId}`,
    );
  }
}

function isEmpty(
  { state, reports, events }: Membership,
  own: PublicIdentity | undefined,
): boolean {
  const { metadata, data, position } = state.view;
  return !own && !position && metadata.size === 0 && data.size === 0 &&
    reports.view.entries.size === 0 && events.cursor === undefined;
}

interface MergedTrust {
  readonly marks: Marks;
  readonly bundle: StoredBundle | undefined;
  readonly keys: KeyringRecord | undefined;
}

/** What is taken over where there is none. */
const COPIED = [
  SYNC_FILE,
  SESSIONS_FILE,
  SPENT_TOKENS_FILE,
  OBSERVATIONS_FILE,
];

class Restoring {
  readonly #root: string;
  readonly #members: Backup["members"];
  readonly #from: Membership;
  readonly #store: Membership;
  readonly #notes: string[];

  constructor(
    root: string,
    members: Backup["members"],
    from: Membership,
    store: Membership,
    notes: string[],
  ) {
    this.#root = root;
    this.#members = members;
    this.#from = from;
    this.#store = store;
    this.#notes = notes;
  }

  /** In an order in which a crash leaves nothing that counts too much. */
  async run(hasIdentity: boolean): Promise<void> {
    const trust = this.#mergedTrust();
    this.#store.restored.set();
    await this.#saveTrust(trust);
    this.#seen();
    this.#snapshots();
    await this.#state();
    this.#reports();
    this.#executions();
    for (const file of COPIED) {
      if (!this.#read(file)) this.#copy(file);
    }
    this.#identity(hasIdentity);
  }

  #mergedTrust(): MergedTrust {
    const from = this.#from;
    const own = this.#store;
    const marks = sound(() => own.marks.load()) ?? NO_MARKS;
    const bundle = sound(() => own.trustBundle.load());
    const keys = sound(() => own.trust.load());
    return {
      marks: mergeMarks(from.marks.load(), marks),
      bundle: mergeBundles(from.trustBundle.load(), bundle),
      keys: mergeKeys(from.trust.load(), keys),
    };
  }

  async #saveTrust({ marks, bundle, keys }: MergedTrust) {
    this.#store.marks.save(marks);
    if (bundle) this.#store.trustBundle.save(bundle);
    if (keys) await this.#store.trust.save(keys);
  }

  /** Every event that either has seen counts as seen. */
  #seen() {
    const theirs = this.#recordsOf(this.#members.get(SEEN_FILE));
    const own = this.#recordsOf(this.#read(SEEN_FILE));
    if (theirs.length === 0) return;
    // Once is enough, also when a restore is done again after a crash.
    const known = new Set(own.map((record) => JSON.stringify(record)));
    const added = theirs.filter((record) =>
      "summary" in record || !known.has(JSON.stringify(record))
    );
    // The later lines decide where the stream goes on.
    this.#write(SEEN_FILE, newLog([...added, ...own]).bytes);
  }

  #recordsOf(bytes: Uint8Array | undefined): readonly LogRecord[] {
    return bytes ? readLog(bytes).records : [];
  }

  #snapshots() {
    const theirs = this.#from.snapshots.pointer?.active;
    const own = this.#store.snapshots.pointer?.active;
    if (!theirs || (own && comparePositions(theirs, own) <= 0)) return;
    const files = [...this.#members.keys()]
      .filter((file) => file.startsWith("snapshots/"));
    for (const file of files) if (file !== POINTER_FILE) this.#copy(file);
    this.#copy(POINTER_FILE);
  }

  async #state() {
    const theirs = this.#from.state.view;
    const own = this.#store.state.view;
    const isEmpty = !own.complete && !own.position && own.data.size === 0;
    const isOlder = own.position && theirs.position &&
      comparePositions(own.position, theirs.position) < 0;
    if (!isEmpty && !isOlder) {
      this.#notes.push("the state here is kept: it is not older");
      return;
    }
    const { metadata, data, secretRefs, peers, policies, services, position } =
      theirs;
    await this.#store.state.update(() => ({
      metadata,
      data,
      secretRefs,
      peers,
      policies,
      services,
      position: position ?? null,
      complete: theirs.complete,
    }));
  }

  #reports() {
    const own = this.#store.reports.view.entries;
    for (const [key, entry] of this.#from.reports.view.entries) {
      const known = own.get(key);
      const isNewer = known &&
        Date.parse(known.updatedAt) >= Date.parse(entry.updatedAt);
      if (isNewer) continue;
      this.#write(reportFileOf(key), encodeEntryFile(entry).bytes);
    }
  }

  /** What was under way then is over: only that it was begun counts. */
  #executions() {
    const folder = `${this.#root}/${EXECUTIONS_FOLDER}`;
    const known = new Set(
      systemDisk.list(folder).map(({ name }) =>
        parseExecutionName(name)?.idPart
      ),
    );
    for (const [file, bytes] of this.#members) {
      if (!file.startsWith(`${EXECUTIONS_FOLDER}/`)) continue;
      const name = file.slice(EXECUTIONS_FOLDER.length + 1);
      if (known.has(parseExecutionName(name)?.idPart)) continue;
      this.#write(file.replace("/open-", "/done-"), bytes);
    }
  }

  /** Its own file last: until then this node reads as not registered. */
  #identity(hasIdentity: boolean) {
    const files = [...this.#members.keys()].filter(isIdentityFile);
    if (files.length === 0) return;
    if (hasIdentity) {
      this.#notes.push("the identity here is kept: it may be newer");
      return;
    }
    for (const file of files) if (file !== IDENTITY_FILE) this.#copy(file);
    this.#copy(IDENTITY_FILE);
  }

  #read(file: string): Uint8Array<ArrayBuffer> | undefined {
    return readIfThere(systemDisk, `${this.#root}/${file}`);
  }

  #copy(file: string) {
    const bytes = this.#members.get(file);
    if (bytes) this.#write(file, bytes);
  }

  #write(file: string, bytes: Uint8Array) {
    writeMember(this.#root, file, bytes);
  }
}

/** Damaged trust has nothing to say; that is why it is being restored. */
function sound<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CorruptTrustError)) throw error;
    return undefined;
  }
}
