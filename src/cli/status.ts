import type { StatusDocument } from "../wire/status.ts";
import { askAgent, errorText } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { indentJson } from "./indent_json.ts";
import { selfLines } from "./self_lines.ts";

/** `plexd status`: one screen that says whether the agent is well. */
export async function status(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const answer = await askAgent(config, "GET", "/v1/status");
  if (answer.status !== 200) {
    throw new CommandError(EXIT.failed, errorText(answer));
  }
  if (invocation.flags["--output"] === "json") {
    invocation.print(indentJson(answer.text));
    return EXIT.fine;
  }
  if (!isStatus(answer.body)) {
    throw new CommandError(
      EXIT.failed,
      "the agent says its status in another way than this version knows",
      'see it with "plexd status --output json"',
    );
  }
  const now = invocation.platform(config).clock.now();
  for (const line of statusLines(answer.body, now)) {
    invocation.print(line);
  }
  return EXIT.fine;
}

const SECTIONS = [
  "reasons",
  "stream",
  "events",
  "pull",
  "state",
  "caches",
  "signed_state",
  "sync",
  "contact",
  "store",
  "agent",
  "identity",
  "resources",
  "updates",
  "tasks",
  "telemetry",
];

/** An agent of another version may be running: enough to show nothing wrong. */
function isStatus(body: unknown): body is StatusDocument {
  return typeof body === "object" && body !== null &&
    SECTIONS.every((name) =>
      typeof Object.getOwnPropertyDescriptor(body, name)?.value === "object"
    );
}

/** The screen, line by line. Ages are counted from `nowMs`. */
export function statusLines(status: StatusDocument, nowMs: number): string[] {
  const ago = (time: string | null) =>
    time === null ? "never" : `${span(nowMs - Date.parse(time))} ago`;
  const until = (time: string | null) =>
    time === null ? "" : `, next try in ${span(Date.parse(time) - nowMs)}`;
  const when = (time: string) =>
    Date.parse(time) > nowMs
      ? `in ${span(Date.parse(time) - nowMs)}`
      : ago(time);
  const { stream, events, pull, state, sync } = status;
  const refused = Object.entries(events.rejected)
    .map(([reason, count]) => `${count} ${reason}`);
  const rows: [string, string][] = [
    ["Status", verdict(status)],
    ...status.reasons.flatMap((
      { reason, since, detail, works, next_try_at },
    ): [string, string][] => [
      [
        "",
        `${reason} for ${span(nowMs - Date.parse(since))}: ${detail}${
          until(next_try_at)
        }`,
      ],
      ["", `  still works: ${works}`],
    ]),
    [
      "Node",
      `${status.node_id} (${status.mesh_ip}), membership ${status.cluster}`,
    ],
    ["Control plane", status.control_plane],
    [
      "Stream",
      `${stream.state} for ${span(nowMs - Date.parse(stream.since))}${
        until(stream.next_try_at)
      }` +
      (stream.last_error ? `; last error: ${stream.last_error}` : ""),
    ],
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
      (pull.last_error ? `; last error: ${pull.last_error}` : ""),
    ],
    [
      "State",
      `${state.metadata} metadata, ${state.data} data, ${state.secrets} secrets, ${state.reports} reports` +
      (state.version === null ? "" : ` (version ${state.version})`),
    ],
    ["Caches", cachesLine(status.caches)],
    ["Signed state", signedLine(status.signed_state, nowMs)],
    [
      "Report sync",
      `${sync.pending} waiting, last ${ago(sync.last_success_at)}${
        until(sync.next_try_at)
      }` +
      (sync.local_only > 0 ? `; ${sync.local_only} stay on this node` : "") +
      (sync.last_error ? `; last error: ${sync.last_error}` : ""),
    ],
    ["Store", storeLine(status.store, ago)],
    ...tasksLines(status.tasks, ago, until),
    ["Telemetry", telemetryLine(status.telemetry)],
    ...selfLines(status, { ago, when }),
    [
      "Agent",
      `plexd ${status.version}, pid ${status.pid}, up ${
        span(nowMs - Date.parse(status.started_at))
      }${stopLine(status.agent)}`,
    ],
  ];
  return rows.map(([name, text]) =>
    // Errors quote what others said; that must not steer the terminal.
    `${name.padEnd(14)} ${text.replace(/\p{Cc}/gu, "\ufffd")}`.trimEnd()
  );
}

/** Such as `3 peers (2 observed), 3 routes, 1 services`. */
function cachesLine(
  { peers, peers_observed, routes, services }: StatusDocument["caches"],
): string {
  const observed = peers_observed > 0 ? ` (${peers_observed} observed)` : "";
  return `${peers} peers${observed}, ${routes} routes, ${services} services`;
}

/** Such as `version 7 of epoch 1767225600, for 23h 59m; trust bundle 1`. */
function signedLine(
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

/** How a run before this one ended, if not as it should. */
function stopLine({ last_stop }: StatusDocument["agent"]): string {
  if (!last_stop || last_stop.clean) return "";
  return last_stop.failed
    ? "; failed the time before"
    : "; ended uncleanly before";
}

function storeLine(
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
function tasksLines(
  tasks: StatusDocument["tasks"],
  ago: (time: string) => string,
  until: (time: string | null) => string,
): [string, string][] {
  const { actions_running, results_unreported, key_rotation } = tasks;
  const actions = actions_running + results_unreported > 0
    ? `${actions_running} running, ${results_unreported} results unreported`
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
function telemetryLine(telemetry: StatusDocument["telemetry"]): string {
  return Object.entries(telemetry).map(([name, counts]) => {
    if (!counts) return `${name} off`;
    const { sent, buffered, dropped, last_error } = counts;
    return `${name} ${sent} sent` +
      (buffered > 0 ? `, ${buffered} waiting` : "") +
      (dropped > 0 ? `, ${dropped} dropped` : "") +
      (last_error ? ` (${last_error})` : "");
  }).join("; ");
}

function verdict({ status, stale, stream }: StatusDocument): string {
  if (stale) return `${status}, serving stale state`;
  return stream.state === "streaming" ? status : `${status}, reconnecting`;
}

/** A span of time in its two largest units. */
function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  return parts.slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}
