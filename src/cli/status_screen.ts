import type { StatusDocument } from "../wire/status.ts";
import { counted } from "./output/counted.ts";
import type { Field } from "./output/fields.ts";
import { span } from "./output/span.ts";
import { carrierRows } from "./carrier_rows.ts";
import { selfLines } from "./self_lines.ts";

/**
 * Rows of the screen of `plexd status`. Ages are counted from `nowMs`.
 *
 * @param chosenBy What has named the membership; absent for the default.
 */
export function statusFields(
  status: StatusDocument,
  nowMs: number,
  chosenBy?: string,
): Field[] {
  const ago = (time: string | null) =>
    time === null ? "never" : `${span(nowMs - Date.parse(time))} ago`;
  const until = (time: string | null) =>
    time === null ? "" : `, next try in ${span(Date.parse(time) - nowMs)}`;
  const left = (time: string) => {
    const leftMs = Date.parse(time) - nowMs;
    return leftMs > 0 ? span(leftMs) : undefined;
  };
  const when = (time: string) =>
    Date.parse(time) > nowMs
      ? `in ${span(Date.parse(time) - nowMs)}`
      : ago(time);
  // What nobody has asked for yet is neither down nor unsigned.
  const ifEnrolled = (name: string, text: string): [string, string][] =>
    isEnrolled(status) ? [[name, text]] : [];
  const { events, pull, sync } = status;
  const refused = Object.entries(events.rejected)
    .map(([reason, count]) => `${count} ${reason}`);
  const rows: [string, string][] = [
    [
      "Node",
      `${nodeText(status)}, membership ${status.cluster}` +
      (chosenBy === undefined ? "" : ` (by ${chosenBy})`),
    ],
    ...nameRows(status.identity),
    ["Control plane", status.control_plane],
    ...ifEnrolled("Stream", streamText(status, nowMs)),
    ...carrierRows(status, { ago, until, left }),
    [
      "Events",
      `${events.applied} applied, last ${ago(events.last_applied_at)}` +
      (events.repeated > 0 ? `; ${events.repeated} brought nothing new` : "") +
      (refused.length > 0
        ? `; refused: ${refused.join(", ")}`
        : "; none refused"),
    ],
    [
      "Last pull",
      ago(pull.last_success_at) +
      (pull.next_at === null ? "" : `, next ${when(pull.next_at)}`) +
      (pull.last_error ? `; last error: ${pull.last_error}` : ""),
    ],
    ["State", stateText(status, ago)],
    ["Caches", cachesText(status.caches)],
    ...ifEnrolled("Signed state", signedText(status.signed_state, nowMs)),
    [
      "Report sync",
      `${sync.pending} waiting, last ${ago(sync.last_success_at)}${
        until(sync.next_try_at)
      }` +
      (sync.local_only > 0 ? `; ${localOnlyText(sync.local_only)}` : "") +
      (sync.reports?.refused ? `; ${sync.reports.refused} refused` : "") +
      (sync.last_error ? `; last error: ${sync.last_error}` : ""),
    ],
    ["Store", storeText(status.store, ago)],
    ...taskRows(status.tasks, ago, until),
    ["Telemetry", telemetryText(status.telemetry)],
    ...selfLines(status, { ago, when }),
    [
      "Agent",
      `plexd ${status.version}, pid ${status.pid}, up ${
        span(nowMs - Date.parse(status.started_at))
      }${stopText(status.agent)}`,
    ],
  ];
  return [
    {
      name: "Status",
      text: verdict(status, nowMs),
      colour: status.status === "ok" && !status.stale ? "green" : "red",
    },
    ...status.reasons.flatMap((
      { reason, since, detail, works, next_try_at },
    ): Field[] => [
      {
        name: "",
        text: `${reason} for ${span(nowMs - Date.parse(since))}: ${detail}${
          until(next_try_at)
        }`,
        colour: "yellow",
      },
      { name: "", text: `  still works: ${works}` },
    ]),
    ...rows.map(([name, text]) => ({ name, text })),
  ];
}

function isEnrolled({ stream }: StatusDocument): boolean {
  return stream.state !== "not_enrolled";
}

function nodeText(status: StatusDocument): string {
  return isEnrolled(status)
    ? `${status.node_id} (${status.mesh_ip})`
    : "not enrolled";
}

/** Nothing where the control plane has told no names. */
function nameRows(
  { node_name: node, domain_name: domain }: StatusDocument["identity"],
): [string, string][] {
  const names = [node, ...(domain ? [`domain ${domain}`] : [])];
  const text = names.filter(Boolean).join(", ");
  return text === "" ? [] : [["Name", text]];
}

/** Such as `ok for 2h`, or `degraded for 3m, serving stale state`. */
function verdict(document: StatusDocument, nowMs: number): string {
  const { status, since, stale, stream, pull } = document;
  const text = `${status} for ${span(nowMs - Date.parse(since))}`;
  if (!isEnrolled(document)) return `${text}, serving no state`;
  if (stale) return `${text}, serving stale state`;
  const isUp = stream.state === "streaming";
  const hasNone = stream.state === "pull_only";
  if (!isUp && !hasNone) return `${text}, reconnecting`;
  if (pull.last_error !== null) return `${text}, pulls fail`;
  return hasNone ? `${text}, without an event stream` : text;
}

/** Such as `down for 5m 2s (waiting), next attempt in 3s; last error: …`. */
function streamText({ stream, carrier }: StatusDocument, nowMs: number) {
  const { state, since, down_since, next_try_at, last_error } = stream;
  const forMs = nowMs - Date.parse(down_since ?? since);
  if (state === "streaming") {
    const by = carrier?.active === "nats" ? ", by the message bus" : "";
    return `streaming for ${span(forMs)}${by}`;
  }
  if (state === "pull_only") {
    // Dialect 2 may have none, which is no outage.
    return "the control plane has none, states are pulled" +
      (next_try_at === null
        ? ""
        : `; asked for again in ${span(Date.parse(next_try_at) - nowMs)}`) +
      (last_error ? `; last answer: ${last_error}` : "");
  }
  const next = next_try_at === null
    ? ", trying now"
    : `, next attempt in ${span(Date.parse(next_try_at) - nowMs)}`;
  return `down for ${span(forMs)} (${state.replaceAll("_", " ")})${next}` +
    (last_error ? `; last error: ${last_error}` : "");
}

function stateText(
  { state, verified_at }: StatusDocument,
  ago: (time: string | null) => string,
): string {
  const { metadata, data, secrets, reports, version } = state;
  return `${metadata} metadata, ${data} data, ${counted(secrets, "secret")}, ` +
    counted(reports, "report") +
    (version === null ? "" : ` (version ${version})`) +
    (verified_at === null
      ? "; not confirmed yet"
      : `; confirmed ${ago(verified_at)}`);
}

/** Such as `3 peers (2 observed), 3 routes, 1 service`. */
function cachesText(
  { peers, peers_observed, routes, services }: StatusDocument["caches"],
): string {
  const observed = peers_observed > 0 ? ` (${peers_observed} observed)` : "";
  return `${counted(peers, "peer")}${observed}, ${counted(routes, "route")}, ` +
    counted(services, "service");
}

/** Such as `version 7 of epoch 1767225600, for 23h 59m; trust bundle 1`. */
function signedText(
  { snapshot, trust_bundle_version }: StatusDocument["signed_state"],
  nowMs: number,
): string {
  if (!snapshot) return "none: pulled states are not signed";
  const { epoch, version, expires_at } = snapshot;
  const leftMs = Date.parse(expires_at) - nowMs;
  return `version ${version} of epoch ${epoch}, ` +
    (leftMs > 0 ? `for ${span(leftMs)}` : `expired ${span(-leftMs)} ago`) +
    (trust_bundle_version === null
      ? ""
      : `; trust bundle ${trust_bundle_version}`);
}

function localOnlyText(count: number): string {
  return `${count} ${count === 1 ? "stays" : "stay"} on this node`;
}

/** How a run before this one ended, if not as it should. */
function stopText({ last_stop }: StatusDocument["agent"]): string {
  if (!last_stop || last_stop.clean) return "";
  return last_stop.failed
    ? "; failed the time before"
    : "; ended uncleanly before";
}

function storeText(
  { last_recovery, restored }: StatusDocument["store"],
  ago: (time: string) => string,
): string {
  const state = restored
    ? "restored from a backup; waits for the control plane"
    : "sound";
  if (!last_recovery) return state;
  const { at, file, what } = last_recovery;
  return `${state}; last repair ${ago(at)}: ${file}: ${what}`;
}

/** Nothing is said about what is not going on, and never was. */
function taskRows(
  tasks: StatusDocument["tasks"],
  ago: (time: string) => string,
  until: (time: string | null) => string,
): [string, string][] {
  const { actions_running, results_unreported, key_rotation } = tasks;
  const actions = actions_running + results_unreported > 0
    ? `${actions_running} running, ${
      counted(results_unreported, "result")
    } unreported`
    : undefined;
  const rotation = rotationText(key_rotation, ago, until);
  return [
    ...(actions ? [["Actions", actions] as [string, string]] : []),
    ...(rotation ? [["Key", rotation] as [string, string]] : []),
  ];
}

function rotationText(
  rotation: StatusDocument["tasks"]["key_rotation"],
  ago: (time: string) => string,
  until: (time: string | null) => string,
): string | undefined {
  const { pending_since, last_at, last_error, next_try_at } = rotation;
  const parts = [
    ...(last_at === null ? [] : [`rotated ${ago(last_at)}`]),
    ...(pending_since === null
      ? []
      : [`a new one, made ${ago(pending_since)}, waits to be confirmed`]),
    ...(last_error === null ? [] : [`last error: ${last_error}`]),
  ];
  if (parts.length === 0) return undefined;
  return parts.join("; ") + (pending_since === null ? "" : until(next_try_at));
}

/** Such as `metrics 12 sent; logs off; audit 3 sent, 1 waiting`. */
function telemetryText(telemetry: StatusDocument["telemetry"]): string {
  return Object.entries(telemetry).map(([name, counts]) => {
    if (!counts) return `${name} off`;
    const { sent, buffered, dropped, last_error } = counts;
    return `${name} ${sent} sent` +
      (buffered > 0 ? `, ${buffered} waiting` : "") +
      (dropped > 0 ? `, ${dropped} dropped` : "") +
      (last_error ? ` (${last_error})` : "");
  }).join("; ");
}
