import assert from "node:assert/strict";
import { fields } from "../../src/cli/output/fields.ts";
import { NO_SCREEN } from "../../src/cli/output/screen.ts";
import { statusFields } from "../../src/cli/status_screen.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { sampleStatus } from "../node_api/fake_sources.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

function statusLines(status: StatusDocument, nowMs: number): string[] {
  return fields(NO_SCREEN, statusFields(status, nowMs)).split("\n");
}

const { carrier: _, carrier_credentials: __, ...byStream } = sampleStatus;

/** A node that has worked for two hours, without a message bus. */
const WELL: StatusDocument = {
  ...byStream,
  version: "1.2.3",
  pid: 42,
  started_at: "2026-03-01T10:00:00Z",
  node_id: "n-1",
  control_plane: "https://api.example.com",
  since: "2026-03-01T10:00:00Z",
  verified_at: "2026-03-01T11:59:00Z",
  stream: { ...sampleStatus.stream, since: "2026-03-01T11:00:00Z" },
  events: { ...sampleStatus.events, applied: 7 },
  pull: { ...sampleStatus.pull, last_success_at: "2026-03-01T11:59:30Z" },
  state: {
    metadata: 1,
    data: 2,
    secrets: 3,
    reports: 4,
    epoch: 1,
    version: 9,
  },
  telemetry: {
    metrics: { sent: 5, dropped: 0, buffered: 0, last_error: null },
    logs: { sent: 0, dropped: 2, buffered: 1, last_error: "Status 503" },
    audit: null,
  },
};

Deno.test("the status screen says of a node that is well what it does", () => {
  assert.deepEqual(statusLines(WELL, NOW), [
    "Status         ok for 2h",
    "Node           n-1 (10.0.0.1), membership default",
    "Control plane  https://api.example.com",
    "Stream         streaming for 1h",
    "Events         7 applied, last never; none refused",
    "Last pull      30s ago",
    "State          1 metadata, 2 data, 3 secrets, 4 reports (version 9); confirmed 1m ago",
    "Caches         3 peers, 4 routes, 1 service",
    "Signed state   none: pulled states are not signed",
    "Report sync    0 waiting, last never",
    "Store          sound",
    "Telemetry      metrics 5 sent; logs 0 sent, 1 waiting, 2 dropped (Status 503); audit off",
    "Agent          plexd 1.2.3, pid 42, up 2h",
  ]);
});

Deno.test("the status screen says since when, why, what works, and the next try", () => {
  const lines = statusLines({
    ...WELL,
    status: "degraded",
    since: "2026-03-01T11:57:30Z",
    stale: true,
    reasons: [{
      reason: "control_plane_unreachable",
      since: "2026-03-01T11:57:30Z",
      detail: "connection refused",
      works: "reads and reports",
      next_try_at: "2026-03-01T12:00:40Z",
    }],
    events: { ...WELL.events, rejected: { signature: 2, replay: 1 } },
  }, NOW);
  assert.equal(
    lines[0],
    "Status         degraded for 2m 30s, serving stale state",
  );
  assert.equal(
    lines[1]?.trim(),
    "control_plane_unreachable for 2m 30s: connection refused, next try in 40s",
  );
  assert.equal(lines[2]?.trim(), "still works: reads and reports");
  assert.ok(lines.some((line) => line.endsWith("2 signature, 1 replay")));
});

const rotations = [
  {
    what: "was rotated",
    change: { last_at: "2026-03-01T11:59:00Z" },
    line: "Key            rotated 1m ago",
  },
  {
    what: "waits to be confirmed",
    change: {
      pending_since: "2026-03-01T11:58:00Z",
      last_error: "Status 404",
      next_try_at: "2026-03-01T12:00:40Z",
    },
    line: "Key            a new one, made 2m ago, waits to be confirmed; " +
      "last error: Status 404, next try in 40s",
  },
];
for (const { what, change, line } of rotations) {
  Deno.test(`the status screen says that the node's key ${what}`, () => {
    const key_rotation = { ...WELL.tasks.key_rotation, ...change };
    const tasks = { ...WELL.tasks, key_rotation };
    assert.ok(statusLines({ ...WELL, tasks }, NOW).includes(line));
  });
}

Deno.test("the status screen counts the actions that run and the results that wait", () => {
  const tasks = { ...WELL.tasks, actions_running: 1, results_unreported: 2 };
  assert.ok(
    statusLines({ ...WELL, tasks }, NOW).includes(
      "Actions        1 running, 2 results unreported",
    ),
  );
});

Deno.test("the status screen says what people call the node and its domain", () => {
  const linesWith = (names: Partial<StatusDocument["identity"]>) => {
    const identity = { ...WELL.identity, ...names };
    return statusLines({ ...WELL, identity }, NOW)
      .filter((line) => line.startsWith("Name "));
  };
  assert.deepEqual(linesWith({}), []);
  assert.deepEqual(linesWith({ node_name: "edge 7" }), [
    "Name           edge 7",
  ]);
  assert.deepEqual(linesWith({ node_name: "edge 7", domain_name: "north" }), [
    "Name           edge 7, domain north",
  ]);
});

Deno.test("the status screen names the number of reports that never leave the node", () => {
  const sync = { ...WELL.sync, local_only: 2 };
  const lines = statusLines({ ...WELL, sync }, NOW);
  assert.ok(lines.some((line) => line.endsWith("; 2 stay on this node")));
});

Deno.test("the status screen names the number of reports that are refused", () => {
  const reports = {
    synced: 4,
    pending: 0,
    suspended: 0,
    refused: 3,
    local_only: 0,
  };
  const lines = statusLines({ ...WELL, sync: { ...WELL.sync, reports } }, NOW);
  assert.ok(lines.some((line) => line.endsWith("; 3 refused")));
});

Deno.test("the status screen tells of the last repair, an unclean end, and a restored node", () => {
  const store = {
    recoveries: 1,
    last_recovery: {
      at: "2026-03-01T11:59:00Z",
      file: "state/data/one.json",
      what: "damaged",
      action: "kept aside",
    },
    restored: true,
  };
  const agent = {
    ...WELL.agent,
    last_stop: { at: null, clean: false, failed: false },
  };
  const lines = statusLines({ ...WELL, store, agent }, NOW);
  assert.ok(lines.includes(
    "Store          restored from a backup; waits for the control plane; " +
      "last repair 1m ago: state/data/one.json: damaged",
  ));
  assert.match(lines.at(-1) ?? "", /; ended uncleanly before$/);
});

Deno.test("the status screen does not let a server's words steer the terminal", () => {
  const pull = { ...WELL.pull, last_error: "bad\x1b[2J\r\nStatus ok" };
  const lines = statusLines({ ...WELL, pull }, NOW);
  assert.doesNotMatch(lines.join(""), /\p{Cc}/u);
});

Deno.test("the status screen says how long the stream is down and when it is tried next", () => {
  const stream = {
    state: "waiting",
    since: "2026-03-01T11:59:58Z",
    down_since: "2026-03-01T11:54:58Z",
    next_try_at: "2026-03-01T12:00:03Z",
    last_error: "no route",
  };
  const lines = statusLines({ ...WELL, stream }, NOW);
  assert.equal(lines[0], "Status         ok for 2h, reconnecting");
  assert.ok(lines.includes(
    "Stream         down for 5m 2s (waiting), next attempt in 3s; last error: no route",
  ));
});

Deno.test("the status screen says that the control plane has no stream and when it is asked again", () => {
  const stream = {
    state: "pull_only",
    since: "2026-03-01T11:59:58Z",
    down_since: "2026-03-01T10:00:00Z",
    next_try_at: "2026-03-01T12:09:58Z",
    last_error: "status 501 (signed_event_bus_not_provisioned)",
  };
  const lines = statusLines({ ...WELL, stream }, NOW);
  assert.equal(lines[0], "Status         ok for 2h, without an event stream");
  assert.ok(lines.includes(
    "Stream         the control plane has none, states are pulled; asked for again in 9m 58s; last answer: status 501 (signed_event_bus_not_provisioned)",
  ));
  const pull = { ...WELL.pull, last_error: "Status 503" };
  const [first] = statusLines({ ...WELL, stream, pull }, NOW);
  assert.equal(first, "Status         ok for 2h, pulls fail");
});

Deno.test("the status screen says at its top that pulls fail", () => {
  const pull = { ...WELL.pull, last_error: "it is for another node" };
  const [first] = statusLines({ ...WELL, pull }, NOW);
  assert.equal(first, "Status         ok for 2h, pulls fail");
});

Deno.test("the status screen fits a terminal", () => {
  const screen = { columns: 60, steerable: true, colour: false };
  const last_error = "a long reason ".repeat(20);
  const pull = { ...WELL.pull, last_error };
  const text = fields(screen, statusFields({ ...WELL, pull }, NOW));
  for (const line of text.split("\n")) assert.ok(line.length <= 60, line);
  assert.match(text, /\n {15}reason a long/);
});
