import assert from "node:assert/strict";
import { worstProblem } from "../../src/cli/worst_problem.ts";
import type { StatusDocument, StatusReason } from "../../src/wire/status.ts";
import { DEGRADED_REASONS } from "../../src/wire/status.ts";
import { sampleStatus } from "../node_api/fake_sources.ts";

const NOW = Date.parse("2026-03-01T12:05:00.000Z");

function reason(name: StatusReason["reason"], detail = "it is so") {
  return {
    reason: name,
    since: "2026-03-01T12:02:00.000Z",
    detail,
    works: "reads",
    next_try_at: "2026-03-01T12:05:40.000Z",
  };
}

Deno.test("worstProblem() finds none where all is well", () => {
  assert.equal(worstProblem(sampleStatus, NOW), undefined);
});

Deno.test("worstProblem() does not miss a stream that the control plane does not have", () => {
  const stream = {
    state: "pull_only",
    since: "2026-03-01T12:04:00.000Z",
    down_since: "2026-03-01T12:00:00.000Z",
    next_try_at: "2026-03-01T12:14:00.000Z",
    last_error: "status 501",
  };
  const status = { ...sampleStatus, stream };
  assert.equal(worstProblem(status, NOW), undefined);
  // Nor does it hide what is wrong.
  const sync = { ...sampleStatus.sync, pending: 1, last_error: "status 503" };
  const problem = worstProblem({ ...status, sync }, NOW);
  assert.equal(problem?.reason, "reports_waiting");
});

Deno.test("worstProblem() says since when, why, what works and the next try", () => {
  const reasons = [reason("unsigned_state"), reason("disk_full")];
  const problem = worstProblem({ ...sampleStatus, reasons }, NOW);
  assert.equal(problem?.reason, "disk_full");
  assert.equal(
    problem?.sentence,
    "For 3m the disk is full (it is so); still works: reads; next try in 40s; " +
      "1 other problem beside it.",
  );
});

for (const name of DEGRADED_REASONS) {
  Deno.test(`worstProblem() says what to do about ${name}`, () => {
    const status = { ...sampleStatus, reasons: [reason(name)] };
    assert.ok((worstProblem(status, NOW)?.advice ?? "").length > 10);
  });
}

Deno.test("worstProblem() does not lay a state that has expired on the control plane alone", () => {
  const reasons = [reason("clock_skew"), reason("snapshot_expired")];
  const problem = worstProblem({ ...sampleStatus, reasons }, NOW);
  assert.equal(problem?.reason, "snapshot_expired");
  assert.match(problem?.advice ?? "", /clock/);
});

const more: { name: string; change: Partial<StatusDocument> }[] = [
  {
    name: "restored",
    change: { store: { ...sampleStatus.store, restored: true } },
  },
  {
    name: "stream_down",
    change: {
      stream: {
        state: "waiting",
        since: "2026-03-01T12:04:00.000Z",
        down_since: "2026-03-01T12:00:00.000Z",
        next_try_at: null,
        last_error: "no route",
      },
    },
  },
  {
    name: "bus_lost",
    change: {
      stream: {
        state: "connecting",
        since: "2026-03-01T12:04:57.000Z",
        down_since: "2026-03-01T12:04:57.000Z",
        next_try_at: null,
        last_error: null,
      },
      carrier: {
        active: null,
        transport: "auto",
        nats: {
          state: "lost",
          since: "2026-03-01T12:04:57.000Z",
          next_try_at: null,
          last_error: "the server is gone",
          refused: 0,
        },
      },
    },
  },
  {
    name: "pulls_fail",
    change: {
      pull: { ...sampleStatus.pull, last_error: "it is for another node" },
    },
  },
  {
    name: "events_unsigned",
    change: {
      events: {
        ...sampleStatus.events,
        unsigned: { count: 3, since: "2026-03-01T12:04:00.000Z" },
      },
    },
  },
  {
    name: "heartbeats_fail",
    change: {
      contact: { ...sampleStatus.contact, heartbeat_error: "status 400" },
    },
  },
  {
    name: "reports_waiting",
    change: {
      sync: { ...sampleStatus.sync, pending: 1, last_error: "Status 500" },
    },
  },
];
Deno.test("worstProblem() knows reports that wait for somebody", () => {
  const adviceFor = (refused: number) => {
    const counts = { synced: 0, pending: 1, suspended: 0, local_only: 0 };
    const sync = {
      ...sampleStatus.sync,
      pending: 1,
      reports: { ...counts, refused },
      last_error: "status 409",
    };
    const status = { ...sampleStatus, sync };
    return worstProblem(status, NOW)?.advice ?? "";
  };
  assert.match(adviceFor(0), /^nothing yet/);
  assert.match(adviceFor(1), /plexd state.*names.* refused.*changes.* room/);
});

Deno.test("worstProblem() makes nothing of two events that nobody known has signed", () => {
  const unsigned = { count: 2, since: "2026-03-01T12:04:00.000Z" };
  const events = { ...sampleStatus.events, unsigned };
  assert.equal(worstProblem({ ...sampleStatus, events }, NOW), undefined);
});

for (const { name, change } of more) {
  Deno.test(`worstProblem() also sees ${name}`, () => {
    const status = { ...sampleStatus, ...change };
    assert.equal(worstProblem(status, NOW)?.reason, name);
    const unsigned = { ...status, reasons: [reason("unsigned_state")] };
    assert.equal(worstProblem(unsigned, NOW)?.reason, name, "it is hidden");
  });
}

Deno.test("worstProblem() says since when no state could be pulled, and why", () => {
  const pull = {
    last_success_at: "2026-03-01T12:01:00.000Z",
    last_error: "State refused: it is for another node",
    next_at: "2026-03-01T12:05:40.000Z",
  };
  assert.equal(
    worstProblem({ ...sampleStatus, pull }, NOW)?.sentence,
    "No state could be pulled for 4m (State refused: it is for another " +
      "node); next attempt in 40s.",
  );
});

Deno.test("worstProblem() says when the store was looked at, and has it done again", () => {
  const at = "2026-03-01T12:01:00.000Z";
  const after = (outcome: "findings" | "failed") => {
    const last_diagnostics = { kind: "store_verify", at, outcome } as const;
    const agent = { ...sampleStatus.agent, last_diagnostics };
    return worstProblem({ ...sampleStatus, agent }, NOW);
  };
  assert.match(
    after("findings")?.sentence ?? "",
    /store, 4m ago, found damage/,
  );
  assert.match(after("failed")?.sentence ?? "", /store, 4m ago, failed/);
  assert.match(after("failed")?.advice ?? "", /looks again/);
});
