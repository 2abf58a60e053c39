import assert from "node:assert/strict";
import {
  follow,
  type LinkEvent,
  type LinkState,
} from "../../src/uplink/link.ts";
import { LINK_EVENTS, LINK_STATES } from "../uplink/link_words.ts";

const PAGE = Deno.readTextFileSync(
  new URL("../../docs/daemon.md", import.meta.url),
);

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
  const arrows = LINK_STATES.flatMap((from) =>
    LINK_EVENTS.flatMap((event) => leads(from, event) ?? [])
  );
  assert.deepEqual(shown.sort(), arrows.sort());
});
