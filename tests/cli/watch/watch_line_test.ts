import assert from "node:assert/strict";
import { jsonLine, tableLine } from "../../../src/cli/watch/watch_line.ts";
import { ShapeError } from "../../../src/wire/shape_error.ts";

const told = (event: string, data: unknown) => ({
  id: "00000000000000ff.7",
  event,
  data: JSON.stringify(data),
});

const change = {
  kind: "data",
  key: "motd",
  version: 3,
  change: "changed",
  origin: "control_plane",
  at: "2026-03-01T12:00:00.000Z",
};

Deno.test("a change is one JSON object in a line, with its position", () => {
  assert.deepEqual(JSON.parse(jsonLine(told("change", change))!), {
    event: "change",
    position: "00000000000000ff.7",
    ...change,
  });
});

Deno.test("a change is a line for people, in which a key cannot move the cursor", () => {
  assert.equal(
    tableLine(told("change", change)),
    "2026-03-01T12:00:00.000Z  data      changed  motd  v3  (control plane)",
  );
  const { version: _, ...gone } = { ...change, change: "removed" };
  assert.equal(
    tableLine(told("change", { ...gone, kind: "report", origin: "local" })),
    "2026-03-01T12:00:00.000Z  report    removed  motd  (local)",
  );
  const hostile = tableLine(told("change", { ...change, key: "a\x1b[2J\nb" }))!;
  // deno-lint-ignore no-control-regex -- these are what must not get out
  assert.doesNotMatch(hostile, /[\x00-\x1f]/);
});

Deno.test("a reset is said clearly in both forms", () => {
  const reset = told("reset", { reason: "restarted", position: "p.7" });
  assert.equal(
    tableLine(reset),
    "reset: read everything anew, the agent was restarted since",
  );
  const { event, reason } = JSON.parse(jsonLine(reset)!);
  assert.deepEqual([event, reason], ["reset", "restarted"]);
  assert.match(
    tableLine(told("reset", { reason: "new_word", position: "p.7" }))!,
    /new_word$/,
  );
});

Deno.test("a hello is for programs only, and what is not known is for nobody", () => {
  const hello = told("hello", { position: "p.7", resumed: false });
  assert.equal(JSON.parse(jsonLine(hello)!).resumed, false);
  assert.equal(tableLine(hello), undefined);
  assert.equal(jsonLine(told("later", {})), undefined);
  assert.equal(tableLine(told("later", {})), undefined);
});

Deno.test("an event of another form is refused", () => {
  for (const line of [jsonLine, tableLine]) {
    assert.throws(() => line(told("change", { kind: 1 })), ShapeError);
  }
});
