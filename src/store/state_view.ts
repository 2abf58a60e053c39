import type { DataEntry } from "../wire/data_entry.ts";
import type { ServiceAssignment } from "../wire/service_assignment.ts";
import type { Peer, Policy, SecretRef, StatePosition } from "../wire/state.ts";

/** The parts that make up a node's state. */
export interface StateParts {
  readonly metadata: ReadonlyMap<string, string>;
  readonly data: ReadonlyMap<string, DataEntry>;
  readonly secretRefs: readonly SecretRef[];
  readonly peers: readonly Peer[];
  readonly policies: readonly Policy[];
  readonly services: readonly ServiceAssignment[];
  /** Absent while no numbered state has been applied. */
  readonly position?: StatePosition;
  /** False before the first pull, and after a gap or a recovery. */
  readonly complete: boolean;
}

/**
 * A node's state at one moment. Never changes: an update makes a new view, so
 * whoever holds one keeps seeing the same. Keys and ids are sorted.
 */
export interface StateView extends StateParts {
  /** Grows by one with every committed change of this process. */
  readonly revision: number;
}

/** An absent part stays as it is; a present one replaces the whole part. */
export interface StateChange {
  readonly metadata?: ReadonlyMap<string, string>;
  readonly data?: readonly DataEntry[] | ReadonlyMap<string, DataEntry>;
  readonly secretRefs?: readonly SecretRef[];
  readonly peers?: readonly Peer[];
  readonly policies?: readonly Policy[];
  readonly services?: readonly ServiceAssignment[];
  /** Null forgets it: the numbers of another control plane say nothing. */
  readonly position?: StatePosition | null;
  readonly complete?: boolean;
}

/** What a node without any state holds. */
export const EMPTY_STATE: StateParts = Object.freeze({
  metadata: new Map<string, string>(),
  data: new Map<string, DataEntry>(),
  secretRefs: [],
  peers: [],
  policies: [],
  services: [],
  complete: false,
});

/**
 * Applies a change to a view's parts. What is equal stays the same object, so
 * that a later comparison by identity finds exactly what is new.
 */
export function applyChange(from: StateParts, change: StateChange): StateParts {
  const { metadata, data, secretRefs, peers, policies, services } = change;
  const position = change.position === null
    ? undefined
    : change.position ?? from.position;
  return Object.freeze({
    metadata: metadata
      ? keepIfEqual(from.metadata, sortedMap(metadata), Object.is)
      : from.metadata,
    data: data ? nextData(from.data, data) : from.data,
    secretRefs: secretRefs
      ? nextList(from.secretRefs, secretRefs, (ref) => ref.key)
      : from.secretRefs,
    peers: peers ? nextList(from.peers, peers, (peer) => peer.id) : from.peers,
    policies: policies
      ? nextList(from.policies, policies, (policy) => policy.id)
      : from.policies,
    services: services
      ? nextList(from.services, services, (service) => service.name)
      : from.services,
    ...(position ? { position } : {}),
    complete: change.complete ?? from.complete,
  });
}

/** Whether nothing differs between two states of one lineage. */
export function sameParts(a: StateParts, b: StateParts): boolean {
  return a.metadata === b.metadata && a.data === b.data &&
    a.secretRefs === b.secretRefs && a.peers === b.peers &&
    a.policies === b.policies && a.services === b.services &&
    a.complete === b.complete &&
    a.position?.epoch === b.position?.epoch &&
    a.position?.version === b.position?.version;
}

/** Whether two entries hold the same, byte for byte. */
export function sameEntry(a: DataEntry, b: DataEntry): boolean {
  return a.key === b.key && a.version === b.version &&
    a.contentType === b.contentType && a.payload === b.payload &&
    a.updatedAt === b.updatedAt;
}

function nextData(
  from: ReadonlyMap<string, DataEntry>,
  data: readonly DataEntry[] | ReadonlyMap<string, DataEntry>,
): ReadonlyMap<string, DataEntry> {
  const changed = changedInPlace(from, data);
  if (changed?.length === 0) return from;
  if (changed) {
    // A copy of a map is made far faster than one of its entries.
    const next = new Map(from);
    for (const entry of changed) {
      next.set(entry.key, Object.freeze({ ...entry }));
    }
    return next;
  }
  const entries = [...data.values()].map((entry): [string, DataEntry] => {
    const known = from.get(entry.key);
    const kept = known && sameEntry(known, entry) ? known : { ...entry };
    return [entry.key, Object.freeze(kept)];
  });
  return keepIfEqual(from, sortedMap(entries), Object.is);
}

/**
 * The entries that differ, where both have the same keys in the same order, as
 * after most changes; undefined where they do not.
 */
function changedInPlace(
  from: ReadonlyMap<string, DataEntry>,
  data: readonly DataEntry[] | ReadonlyMap<string, DataEntry>,
): readonly DataEntry[] | undefined {
  const size = "size" in data ? data.size : data.length;
  if (size !== from.size) return undefined;
  const changed: DataEntry[] = [];
  const known = from.values();
  for (const entry of data.values()) {
    const before = known.next().value!;
    if (before.key !== entry.key) return undefined;
    if (!sameEntry(before, entry)) changed.push(entry);
  }
  return changed;
}

function nextList<Item extends object>(
  from: readonly Item[],
  to: readonly Item[],
  nameOf: (item: Item) => string,
): readonly Item[] {
  const items = structuredClone([...to])
    .sort((a, b) => compareNames(nameOf(a), nameOf(b)));
  return JSON.stringify(items) === JSON.stringify(from)
    ? from
    : Object.freeze(items);
}

function keepIfEqual<Value>(
  from: ReadonlyMap<string, Value>,
  to: ReadonlyMap<string, Value>,
  same: (a: Value, b: Value | undefined) => boolean,
): ReadonlyMap<string, Value> {
  if (from.size !== to.size) return to;
  for (const [key, value] of to) if (!same(value, from.get(key))) return to;
  return from;
}

/** A map of its own, sorted by key. */
export function sortedMap<Value>(
  entries: Iterable<readonly [string, Value]>,
): Map<string, Value> {
  const map = new Map(entries);
  const keys = [...map.keys()];
  // Mostly sorted already: looking first is cheaper than sorting.
  if (keys.every((key, at) => at === 0 || keys[at - 1]! < key)) return map;
  return new Map(keys.sort().map((key) => [key, map.get(key)!]));
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
