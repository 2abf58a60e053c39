import assert from "node:assert/strict";
import {
  follow,
  type LinkEvent,
  type LinkState,
} from "../../src/uplink/link.ts";
import { LINK_EVENTS, LINK_STATES } from "./link_words.ts";

const arrows: readonly (readonly [LinkState, LinkEvent, LinkState])[] = [
  ["connecting", "opened", "streaming"],
  ["connecting", "lost", "waiting"],
  ["connecting", "refused", "refused"],
  ["connecting", "no_stream", "pull_only"],
  ["streaming", "lost", "waiting"],
  ["streaming", "renewed", "connecting"],
  ["waiting", "due", "connecting"],
  ["waiting", "long_outage", "polling"],
  ["polling", "due", "connecting"],
  ["polling", "refused", "refused"],
  ["pull_only", "due", "connecting"],
  ["pull_only", "refused", "refused"],
  ["refused", "due", "connecting"],
];

for (const from of LINK_STATES) {
  for (const event of LINK_EVENTS) {
    const arrow = arrows.find(([a, b]) => a === from && b === event);
    Deno.test(`follow() goes from ${from} by ${event} to ${arrow?.[2] ?? "nowhere"}`, () => {
      if (arrow) assert.equal(follow(from, event), arrow[2]);
      else assert.throws(() => follow(from, event), TypeError);
    });
  }
}

Deno.test("follow() leads from every state back to connecting", () => {
  for (const state of LINK_STATES) {
    const seen = new Set([state]);
    for (const at of seen) {
      for (const [from, , to] of arrows) if (from === at) seen.add(to);
    }
    assert.ok(seen.has("connecting"), state);
  }
});
