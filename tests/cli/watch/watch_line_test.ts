import assert from "node:assert/strict";
import { jsonLine, tableLine } from "../../../src/cli/watch/watch_line.ts";

const position = "00000000000000ff.7";

const change = {
  type: "change",
  position,
  kind: "data",
  key: "motd",
  version: 3,
  change: "changed",
  origin: "control_plane",
  at: "2026-03-01T12:00:00.000Z",
} as const;

Deno.test("a change is one JSON object in a line, with its position", () => {
  const { type, ...members } = change;
  assert.deepEqual(JSON.parse(jsonLine(change)), { event: type, ...members });
  assert.equal(jsonLine({ ...change, key: "a\nb" }).includes("\n"), false);
  const steering = { ...change, key: "\x1b\x9b2J\u202e" };
  assert.match(jsonLine(steering), /"key":"\\u001b\\u009b2J\\u202e"/);
});

Deno.test("a change is a line for people, in which a key cannot move the cursor", () => {
  assert.equal(
    tableLine(change),
    "2026-03-01T12:00:00.000Z  data      changed  motd  v3  (control plane)",
  );
  const { version: _, ...gone } = { ...change, change: "removed" } as const;
  assert.equal(
    tableLine({ ...gone, kind: "report", origin: "local" }),
    "2026-03-01T12:00:00.000Z  report    removed  motd  (local)",
  );
  // deno-lint-ignore no-control-regex -- these are what must not get out
  const controls = /[\x00-\x1f]/;
  assert.doesNotMatch(tableLine({ ...change, key: "\x1b[2J\nb" })!, controls);
});

Deno.test("a reset is said clearly in both forms", () => {
  const reset = { type: "reset", reason: "restarted", position } as const;
  assert.equal(
    tableLine(reset),
    "reset: read everything anew, the agent was restarted since",
  );
  assert.deepEqual(JSON.parse(jsonLine(reset)), {
    event: "reset",
    reason: "restarted",
    position,
  });
  assert.match(tableLine({ ...reset, reason: "new_word" })!, /new_word$/);
});

Deno.test("that a stream begins is for programs only", () => {
  const hello = { type: "hello", position, resumed: false } as const;
  assert.deepEqual(JSON.parse(jsonLine(hello)), {
    event: "hello",
    position,
    resumed: false,
  });
  assert.equal(tableLine(hello), undefined);
});
