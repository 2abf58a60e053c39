import type { StateParts } from "../store/state_view.ts";
import type { StateChangeNote } from "../store/request_file.ts";
import { compareEntries } from "./compare_entries.ts";

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

function compare<Entry>(
  kind: StateChangeNote["kind"],
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
  versionOf?: (entry: Entry) => number,
): StateChangeNote[] {
  return [...compareEntries(before, after)]
    .map(({ change, key, entry }) => ({
      kind,
      key,
      change,
      ...(versionOf && change !== "removed"
        ? { version: versionOf(entry) }
        : {}),
    }))
    .sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

function byName<Entry>(
  list: readonly Entry[],
  nameOf: (entry: Entry) => string,
): ReadonlyMap<string, Entry> {
  return new Map(list.map((entry) => [nameOf(entry), entry]));
}
