import type { StatusDocument } from "../wire/status.ts";

/** How times are put for people. */
export interface SpokenTimes {
  /** Such as `3m ago`. */
  readonly ago: (time: string) => string;
  /** Such as `in 3m`, or `3m ago` for what is over. */
  readonly when: (time: string) => string;
}

/** Rows on the agent itself. Nothing is said about what is as it should be. */
export function selfLines(
  status: StatusDocument,
  times: SpokenTimes,
): [string, string][] {
  const rows: [string, string | undefined][] = [
    ["Heartbeat", heartbeatText(status, times)],
    ["Credential", credentialText(status, times)],
    ["Last event", lastEventText(status, times)],
    ["Safe until", safeText(status, times)],
    ["Certificate", certificateText(status.identity, times)],
    ["Resources", resourcesText(status.resources)],
    ["Updates", updatesText(status.updates, times)],
    ["Diagnostics", diagnosticsText(status.agent, times)],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined);
}

function heartbeatText(
  { contact }: StatusDocument,
  { ago }: SpokenTimes,
): string | undefined {
  const { last_heartbeat_at: last, heartbeat_error: error } = contact;
  if (!error) return undefined;
  return `not taken, the last one ${
    last === null ? "never" : ago(last)
  }; last error: ${error}`;
}

function credentialText(
  { credential }: StatusDocument,
  { ago }: SpokenTimes,
): string | undefined {
  if (!credential || credential.fingerprint === null) return undefined;
  const { check, at } = credential;
  if (check === "ok") return undefined;
  if (at === null) return "not checked yet: the control plane has not answered";
  return `refused by the control plane, last ${ago(at)}`;
}

function lastEventText(
  { last_event }: StatusDocument,
  { ago }: SpokenTimes,
): string | undefined {
  if (!last_event) return undefined;
  const { type, at, reason, carrier } = last_event;
  return type + (carrier ? ` (${carrier})` : "") + ` ${ago(at)}` +
    (reason ? `: ${reason}` : "");
}

function safeText(
  { safe_until }: StatusDocument,
  { when }: SpokenTimes,
): string | undefined {
  if (safe_until === null) return undefined;
  return `${safe_until} (${when(safe_until)}); then no state is served`;
}

function certificateText(
  { client_certificate: certificate }: StatusDocument["identity"],
  { when }: SpokenTimes,
): string | undefined {
  if (!certificate) return undefined;
  const { subject, not_after, state } = certificate;
  const verb = state === "expired" ? "has expired" : "ends";
  const advice = state === "valid" ? "" : ": renew it, then reload plexd";
  return `${subject} ${verb} ${when(not_after)}${advice}`;
}

/** Such as `short: disk (12 MiB of 9.5 GiB free)`. */
function resourcesText(
  resources: StatusDocument["resources"],
): string | undefined {
  if (!resources || resources.short.length === 0) return undefined;
  const { disk, memory, descriptors } = resources;
  const figures = {
    disk: disk &&
      `${bytes(disk.free_bytes)} of ${bytes(disk.total_bytes)} free`,
    memory: memory && `${memory.some_percent} % of the time waited for`,
    descriptors: descriptors &&
      `${descriptors.open} of ${descriptors.limit} in use`,
  };
  return `short: ${
    resources.short.map((name) => `${name} (${figures[name]})`).join(", ")
  }`;
}

function updatesText(
  { pending, canary_group, rollback_version, last }: StatusDocument["updates"],
  { ago }: SpokenTimes,
): string | undefined {
  const parts = [
    ...(pending
      ? [`${pending.version} staged ${ago(pending.since)}, not in place yet`]
      : []),
    ...(last ? [`${last.version} ${outcomeText(last)} ${ago(last.at)}`] : []),
    ...(rollback_version ? [`${rollback_version} can be put back`] : []),
    ...(canary_group ? [`group ${canary_group}`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join("; ");
}

function outcomeText(
  { outcome, detail }: NonNullable<StatusDocument["updates"]["last"]>,
): string {
  const why = detail === "" ? "" : ` (${detail})`;
  return outcome.replaceAll("_", " ") + why;
}

function diagnosticsText(
  { last_diagnostics: last }: StatusDocument["agent"],
  { ago }: SpokenTimes,
): string | undefined {
  if (!last || last.outcome === "ok") return undefined;
  const command = last.kind === "diag" ? "plexd diag" : "plexd store verify";
  const found = last.outcome === "findings" ? "found damage" : "failed";
  return `"${command}" ${found} ${ago(last.at)}`;
}

/** In the largest unit of which there is one. */
function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const at = Math.min(
    units.length - 1,
    Math.max(0, Math.floor(Math.log2(Math.max(count, 1)) / 10)),
  );
  const value = count / 1024 ** at;
  return `${value < 10 && at > 0 ? value.toFixed(1) : Math.round(value)} ${
    units[at]
  }`;
}
