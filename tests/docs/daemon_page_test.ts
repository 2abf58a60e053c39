import assert from "node:assert/strict";
import {
  follow,
  type LinkEvent,
  type LinkState,
} from "../../src/uplink/link.ts";

const PAGE = Deno.readTextFileSync(
  new URL("../../docs/daemon.md", import.meta.url),
);

const STATES: readonly LinkState[] = [
  "connecting",
  "streaming",
  "waiting",
  "polling",
  "pull_only",
  "refused",
];
const EVENTS: readonly LinkEvent[] = [
  "opened",
  "lost",
  "refused",
  "no_stream",
  "due",
  "long_outage",
  "renewed",
];

/** Where an arrow leads; undefined when there is none. */
function leads(from: LinkState, event: LinkEvent): string | undefined {
  try {
    return `${from} to ${follow(from, event)}`;
  } catch (error) {
    assert.ok(error instanceof TypeError);
    return undefined;
  }
}

Deno.test("the page shows every arrow of the event stream, and no other", () => {
  const start = PAGE.indexOf("\n## The event stream\n");
  const section = PAGE.slice(start, PAGE.indexOf("\n## ", start + 1));
  const shown = [...section.matchAll(/^\| `(\w+)` .*\| `(\w+)` +\|$/gm)]
    .map(([, from, to]) => `${from} to ${to}`);
  const arrows = STATES.flatMap((from) =>
    EVENTS.flatMap((event) => leads(from, event) ?? [])
  );
  assert.deepEqual(shown.sort(), arrows.sort());
});
