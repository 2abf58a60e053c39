import assert from "node:assert/strict";
import { isForeignScope } from "../../src/sync/event_scope.ts";
import { withLocalVersions } from "../../src/sync/local_versions.ts";
import { pullHintHandler } from "../../src/sync/pull_hint_handler.ts";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import type { DataEntry } from "../../src/wire/data_entry.ts";
import type { VerifiedEvent } from "../../src/wire/envelope.ts";
import type { DesiredState } from "../../src/wire/state.ts";

const NODE = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2";
const DOMAIN = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1";
const OTHER = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0b9";
const NOW = "2026-03-01T12:00:00.000Z";

function desired(data: readonly DataEntry[], unversioned = true): DesiredState {
  return {
    metadata: new Map(),
    data,
    secretRefs: [],
    peers: [],
    policies: [],
    ...(unversioned ? { unversioned } : {}),
  };
}

function entry(payload: string, version = 0, updatedAt = ""): DataEntry {
  return { key: "k", contentType: "text/plain", payload, version, updatedAt };
}

function numbered(known: DataEntry | undefined, payload: string) {
  const data = new Map(known ? [["k", known]] : []);
  return withLocalVersions(desired([entry(payload)]), { data }, NOW).data[0];
}

Deno.test("withLocalVersions() starts at 1", () => {
  assert.deepEqual(numbered(undefined, '"a"'), entry('"a"', 1, NOW));
});

Deno.test("withLocalVersions() keeps the version of what is the same", () => {
  const known = entry('"a"', 7, "2026-01-01T00:00:00Z");
  assert.equal(numbered(known, '"a"'), known);
});

Deno.test("withLocalVersions() counts on where something changed", () => {
  const known = entry('"a"', 7, "2026-01-01T00:00:00Z");
  assert.deepEqual(numbered(known, '"b"'), entry('"b"', 8, NOW));
});

Deno.test("withLocalVersions() leaves alone what comes with versions", () => {
  const state = desired([entry('"a"', 3, "x")], false);
  assert.equal(withLocalVersions(state, { data: new Map() }, NOW), state);
});

for (
  const [scope, foreign] of [
    [`node:${NODE}`, false],
    [`node:${NODE.toUpperCase()}`, false],
    [`node:${OTHER}`, true],
    [`domain:${DOMAIN}`, false],
    [`domain:${OTHER}`, true],
    ["", false],
    ["fleet", false],
    ["node:", true],
  ] as const
) {
  Deno.test(`scope "${scope}" is ${foreign ? "" : "not "}foreign`, () => {
    assert.equal(isForeignScope(scope, NODE, DOMAIN), foreign);
  });
}

Deno.test("without a known domain, no domain is foreign", () => {
  assert.equal(isForeignScope(`domain:${OTHER}`, NODE), false);
});

Deno.test("an event of dialect 2 asks for a pull, one for others is refused", async () => {
  const pulls: string[] = [];
  const handler = pullHintHandler({
    nodeId: NODE,
    domainId: DOMAIN,
    pull: (reason) => pulls.push(reason),
  });
  const event = { type: "policy_updated", scope: `domain:${DOMAIN}` };
  assert.equal(await handler.handle(event as VerifiedEvent), "applied");
  assert.deepEqual(pulls, ["event policy_updated"]);
  const foreign = { ...event, scope: `node:${OTHER}` } as VerifiedEvent;
  await assert.rejects(
    handler.handle(foreign),
    (error) => error instanceof RefusedEventError && error.kind === "foreign",
  );
  assert.equal(pulls.length, 1);
});
