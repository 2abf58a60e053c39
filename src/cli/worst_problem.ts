import type {
  DegradedReason,
  StatusDocument,
  StatusReason,
} from "../wire/status.ts";
import { busProblem, lostBus } from "./carrier_rows.ts";
import { counted } from "./output/counted.ts";
import { span } from "./output/span.ts";
import type { Problem } from "./problem.ts";

/** What each reason means, and what to do; the worst comes first. */
const REASONS: Readonly<Record<DegradedReason, readonly [string, string]>> = {
  not_enrolled: [
    "this node has not joined a control plane",
    'put a one-time token in place and run "plexd join"',
  ],
  unauthorized: [
    "the control plane does not accept this node",
    'if its operator has removed the node: get a fresh token and run "plexd join --force"; ' +
    'once a mistake there is mended, "plexd reconcile" asks again at once',
  ],
  equivocation: [
    "the control plane says two things under one version",
    'if it was restored from a backup, its operator starts it with --new-epoch; then run "plexd store accept-epoch"',
  ],
  disk_full: [
    "the disk is full",
    'make room where data_dir is ("plexd config show" names it); reads go on meanwhile',
  ],
  store_read_only: [
    "the disk has turned read-only",
    "look at the kernel's log for disk errors, and mount it anew",
  ],
  snapshot_expired: [
    "the signed state has expired",
    'the control plane has to be reached again: "plexd ping" tells more; a clock that is ahead has to be set',
  ],
  control_plane_unreachable: [
    "the control plane gives no usable answer",
    '"plexd ping" tries each of its addresses; a proxy or a login page may answer in its place',
  ],
  clock_skew: [
    "the clock of this machine is wrong",
    "synchronise it, as with chrony or systemd-timesyncd",
  ],
  credentials_invalid: [
    "new credentials cannot be used",
    "put valid files in place; they are taken within seconds",
  ],
  key_change_unconfirmed: [
    "the control plane names new signing keys that nobody has confirmed",
    "ask its operator; nothing is to be done here if the keys are known",
  ],
  corruption_recovered: [
    "something stored was damaged, and was repaired",
    '"plexd store verify" looks at every file; damage that returns is a bad disk',
  ],
  insecure_tls: [
    "the control plane's certificate is not checked",
    "take api.tls_insecure_skip_verify out of the configuration",
  ],
  unsigned_state: [
    "the control plane does not sign states",
    "nothing is to be done here, unless it should",
  ],
};

/** One may have been damaged on its way, or forged; that many are a matter of keys. */
const UNSIGNED_IN_A_ROW = 3;

/**
 * The worst that an agent tells of itself; undefined when all is well.
 *
 * @param nowMs Ages are counted from here.
 */
export function worstProblem(
  status: StatusDocument,
  nowMs: number,
): Problem | undefined {
  const order = Object.keys(REASONS);
  const rank = (reason: string) => {
    const at = order.indexOf(reason);
    return at < 0 ? order.length : at;
  };
  const [worst] = [...status.reasons]
    .sort((a, b) => rank(a.reason) - rank(b.reason));
  // That nothing is signed is so for ever at some control planes: it must not
  // hide what goes wrong there.
  if (worst === undefined || worst.reason === "unsigned_state") {
    const other = beforeDegraded(status, nowMs);
    if (other || worst === undefined) return other;
  }
  return ofReason(worst, status.reasons.length - 1, nowMs);
}

function ofReason(
  { reason, since, detail, works, next_try_at }: StatusReason,
  others: number,
  nowMs: number,
): Problem {
  const [meaning, advice] = REASONS[reason] ??
    [reason.replaceAll("_", " "), '"plexd status" tells more'];
  return {
    reason,
    sentence: `For ${span(nowMs - Date.parse(since))} ${meaning}` +
      (detail === "" ? "" : ` (${detail})`) + `; still works: ${works}` +
      (next_try_at === null ? "" : `; next try ${soon(next_try_at, nowMs)}`) +
      (others > 0 ? `; ${counted(others, "other problem")} beside it` : "") +
      ".",
    advice,
  };
}

/** What is on its way to become a problem. */
function beforeDegraded(
  {
    stream,
    pull,
    sync,
    store,
    resources,
    identity,
    tasks,
    agent,
    contact,
    events,
    ...carriers
  }: StatusDocument,
  nowMs: number,
): Problem | undefined {
  if (store.restored) {
    return {
      reason: "restored",
      sentence: "This node was restored from a backup and waits for its " +
        "control plane to confirm it; until then it gives no secret and runs " +
        "no action.",
      advice: '"plexd ping" tells whether the control plane is there',
    };
  }
  if (pull.last_error !== null) {
    const { last_success_at: last } = pull;
    return {
      reason: "pulls_fail",
      sentence: (last === null
        ? "No state could be pulled yet"
        : `No state could be pulled for ${span(nowMs - Date.parse(last))}`) +
        ` (${pull.last_error})` +
        (pull.next_at === null
          ? ""
          : `; next attempt ${soon(pull.next_at, nowMs)}`) +
        ".",
      advice: "what was verified last is served; if it goes on, ask the " +
        "operator of the control plane",
    };
  }
  const ago = (time: string) => `${span(nowMs - Date.parse(time))} ago`;
  const lost = lostBus(carriers, ago);
  if (lost) return lost;
  // A control plane that has no stream may never have one: no problem either.
  if (stream.state !== "streaming" && stream.state !== "pull_only") {
    const downMs = nowMs - Date.parse(stream.down_since ?? stream.since);
    return {
      reason: "stream_down",
      sentence: `The event stream has been down for ${span(downMs)}` +
        (stream.last_error === null ? "" : ` (${stream.last_error})`) +
        (stream.next_try_at === null
          ? ""
          : `; next attempt ${soon(stream.next_try_at, nowMs)}`) +
        ".",
      advice: "nothing yet: changes are pulled meanwhile",
    };
  }
  const bus = busProblem(carriers);
  if (bus) return bus;
  const { unsigned } = events;
  if (unsigned && unsigned.count >= UNSIGNED_IN_A_ROW) {
    const forMs = nowMs - Date.parse(unsigned.since);
    return {
      reason: "events_unsigned",
      sentence: `For ${span(forMs)} no event could be verified: no key that ` +
        `this node trusts has signed the last ${unsigned.count}; changes are ` +
        "pulled meanwhile.",
      advice:
        "ask the operator of the control plane whether its signing keys " +
        'have changed: a node that has missed it joins anew, by "plexd join ' +
        '--force"',
    };
  }
  if (contact.heartbeat_error) {
    const { last_heartbeat_at: last, heartbeat_error } = contact;
    return {
      reason: "heartbeats_fail",
      sentence: (last === null
        ? "No heartbeat has been taken yet"
        : `The last heartbeat was taken ${ago(last)}`) +
        ` (${heartbeat_error}).`,
      advice: "this node works on, but its control plane may count it as " +
        "gone: ask its operator",
    };
  }
  if (resources && resources.short.length > 0) {
    return {
      reason: "resources_short",
      sentence: `The machine runs short of ${resources.short.join(" and ")}.`,
      advice: '"plexd status" has the figures',
    };
  }
  const { client_certificate: certificate } = identity;
  if (certificate && certificate.state !== "valid") {
    return {
      reason: `certificate_${certificate.state}`,
      sentence: certificate.state === "expired"
        ? `The client certificate ${certificate.subject} has expired.`
        : `The client certificate ${certificate.subject} ends ${
          soon(certificate.not_after, nowMs)
        }.`,
      advice: "renew it, then reload the agent",
    };
  }
  if (sync.pending > 0 && sync.last_error !== null) {
    return {
      reason: "reports_waiting",
      sentence: `${counted(sync.pending, "report")} cannot be delivered ` +
        `(${sync.last_error}).`,
      advice: sync.reports?.refused
        ? '"plexd state --output table" names those that are refused: each is ' +
          "sent again when it changes, or when deletions have made room"
        : "nothing yet: reports are kept and tried again",
    };
  }
  const { last_error, pending_since } = tasks.key_rotation;
  if (pending_since !== null && last_error !== null) {
    return {
      reason: "key_rotation",
      sentence: `The node's new key is not confirmed (${last_error}).`,
      advice: "nothing yet: it is tried again, with the old key in use",
    };
  }
  const { last_diagnostics: look } = agent;
  if (look && look.outcome !== "ok") {
    const found = look.outcome === "findings" ? "found damage" : "failed";
    return {
      reason: "diagnostics",
      sentence: `The last look at the store, ${
        span(nowMs - Date.parse(look.at))
      } ago, ${found}.`,
      // It may have been mended since: only another look can tell.
      advice: '"plexd store verify" looks again, and names the files',
    };
  }
  return undefined;
}

function soon(time: string, nowMs: number): string {
  return `in ${span(Date.parse(time) - nowMs)}`;
}
