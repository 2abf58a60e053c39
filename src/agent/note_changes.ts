import type { ChangeFeed, NotedChange } from "../node_api/watch/change_feed.ts";
import type { Membership } from "../store/membership.ts";
import type { ReportChange } from "../store/report_store.ts";
import type { StateView } from "../store/state_view.ts";
import type { SecretRef } from "../wire/state.ts";
import type { HealthSource } from "../sync/health_report.ts";
import { compareEntries, type EntryChange } from "./compare_entries.ts";

/**
 * Tells the feed what has changed, from now on: stores tell of it once it is
 * durable and can be read.
 */
export function noteChanges(
  feed: ChangeFeed,
  { state, reports, secretNames }: Pick<
    Membership,
    "state" | "reports" | "secretNames"
  >,
  health: HealthSource,
): void {
  state.onChange((view, previous) => feed.note(ofState(previous, view)));
  reports.onChange((changes) => feed.note(changes.flatMap(ofReport)));
  secretNames.onChange((before, after) => feed.note(ofSecrets(before, after)));
  let reasons = reasonsOf(health);
  health.onChange(() => {
    const former = reasons;
    reasons = reasonsOf(health);
    const of =
      (change: NotedChange["change"]) => (key: string): NotedChange => ({
        kind: "status",
        key,
        change,
        origin: "local",
      });
    feed.note([
      ...[...reasons.difference(former)].map(of("added")),
      ...[...former.difference(reasons)].map(of("removed")),
    ]);
  });
}

/** What differs between two states, of what the local API serves. */
function ofState(before: StateView, after: StateView): NotedChange[] {
  return [
    ...[...compareEntries(before.metadata, after.metadata)]
      .map((one) => wanted("metadata", one)),
    ...[...compareEntries(before.data, after.data)]
      .map((one) => wanted("data", one, one.entry.version)),
    ...ofSecrets(before.secretRefs, after.secretRefs),
  ];
}

function ofSecrets(
  before: readonly SecretRef[],
  after: readonly SecretRef[],
): NotedChange[] {
  if (before === after) return [];
  return [...compareEntries(versionsOf(before), versionsOf(after))]
    .map((one) => wanted("secrets", one, one.entry));
}

function wanted(
  kind: NotedChange["kind"],
  { key, change }: EntryChange<unknown>,
  version?: number,
): NotedChange {
  const ofEntry = change === "removed" || version === undefined
    ? {}
    : { version };
  return { kind, key, ...ofEntry, change, origin: "control_plane" };
}

function versionsOf(refs: readonly SecretRef[]): ReadonlyMap<string, number> {
  return new Map(refs.map(({ key, version }) => [key, version]));
}

function ofReport({ key, before, after }: ReportChange): NotedChange[] {
  if (!before && !after) return [];
  return [{
    kind: "report",
    key,
    ...(after ? { version: after.version } : {}),
    change: !after ? "removed" : before ? "changed" : "added",
    origin: "local",
  }];
}

function reasonsOf(health: HealthSource): ReadonlySet<string> {
  return new Set(health.list().map(({ reason }) => reason));
}
