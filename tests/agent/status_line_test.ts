import assert from "node:assert/strict";
import { statusLine } from "../../src/agent/status_line.ts";
import type { StatusDocument } from "../../src/wire/status.ts";

interface Case {
  readonly when: string;
  readonly reasons?: readonly string[];
  readonly stale?: boolean;
  readonly stream?: string;
  readonly version?: number;
  readonly pending?: number;
  readonly line: string;
}

const cases: readonly Case[] = [
  { when: "all is well", version: 7, line: "ok; state version 7; node n-1" },
  {
    when: "the stream is down and the state still fresh",
    stream: "waiting",
    line: "ok; reconnecting; node n-1",
  },
  {
    when: "the control plane has no stream",
    stream: "pull_only",
    line: "ok; without an event stream; node n-1",
  },
  {
    when: "much is wrong",
    reasons: ["unauthorized", "disk_full"],
    stale: true,
    stream: "refused",
    version: 41,
    pending: 3,
    line: "degraded: unauthorized, disk_full; serving stale state; " +
      "state version 41; 3 reports waiting; node n-1",
  },
];

for (const { when, line, reasons = [], ...one } of cases) {
  Deno.test(`statusLine() says it in one line when ${when}`, () => {
    const status = {
      node_id: "n-1",
      status: reasons.length === 0 ? "ok" : "degraded",
      reasons: reasons.map((reason) => ({ reason })),
      stale: one.stale ?? false,
      stream: { state: one.stream ?? "streaming" },
      state: { version: one.version ?? null },
      sync: { pending: one.pending ?? 0 },
    };
    assert.equal(statusLine(status as unknown as StatusDocument), line);
  });
}
