import type { StateParts } from "../store/state_view.ts";
import type { StateChangeNote } from "../store/request_file.ts";

/** What is listed at most; the rest is counted. */
export const MOST_LISTED = 1_000;

/** What differs between two states. */
export interface StateChanges {
  /** At most {@linkcode MOST_LISTED}, by kind and key. */
  readonly listed: readonly StateChangeNote[];
  /** All of them. */
  readonly total: number;
}

/**
 * Keys that were added, changed or removed between two states, with versions
 * and never with values.
 */
export function stateChanges(
  before: StateParts,
  after: StateParts,
): StateChanges {
  const changes = [
    ...compare("metadata", before.metadata, after.metadata),
    ...compare("data", before.data, after.data, ({ version }) => version),
    ...compare(
      "secret",
      byName(before.secretRefs, ({ key }) => key),
      byName(after.secretRefs, ({ key }) => key),
      ({ version }) => version,
    ),
    ...compare(
      "peer",
      byName(before.peers, ({ id }) => id),
      byName(after.peers, ({ id }) => id),
    ),
    ...compare(
      "policy",
      byName(before.policies, ({ id }) => id),
      byName(after.policies, ({ id }) => id),
    ),
    ...compare(
      "service",
      byName(before.services, ({ name }) => name),
      byName(after.services, ({ name }) => name),
    ),
  ];
  return { listed: changes.slice(0, MOST_LISTED), total: changes.length };
}

/** Entries that are equal are the same object in views of one store. */
function compare<Entry>(
  kind: StateChangeNote["kind"],
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
  versionOf?: (entry: Entry) => number,
): StateChangeNote[] {
  const changes: StateChangeNote[] = [];
  const note = (change: StateChangeNote["change"], key: string, of?: Entry) => {
    const version = of === undefined ? undefined : versionOf?.(of);
    changes.push({
      kind,
      key,
      change,
      ...(version === undefined ? {} : { version }),
    });
  };
  for (const [key, entry] of after) {
    const former = before.get(key);
    if (!before.has(key)) note("added", key, entry);
    else if (former !== entry) note("changed", key, entry);
  }
  for (const key of before.keys()) {
    if (!after.has(key)) note("removed", key);
  }
  return changes.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

function byName<Entry>(
  list: readonly Entry[],
  nameOf: (entry: Entry) => string,
): ReadonlyMap<string, Entry> {
  return new Map(list.map((entry) => [nameOf(entry), entry]));
}
