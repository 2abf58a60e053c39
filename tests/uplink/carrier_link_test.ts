import assert from "node:assert/strict";
import {
  type CarrierEvent,
  type CarrierState,
  FEEDER,
  followCarrier,
} from "../../src/uplink/carrier_link.ts";

const states: CarrierState[] = [
  "without",
  "connecting",
  "catching_up",
  "feeding",
  "lost",
  "waiting",
];
const events: CarrierEvent[] = [
  "credentials",
  "no_credentials",
  "connected",
  "caught_up",
  "regained",
  "failed",
  "lost",
  "due",
];

const arrows: readonly (readonly [CarrierState, CarrierEvent, CarrierState])[] =
  [
    ["without", "credentials", "connecting"],
    ["connecting", "connected", "catching_up"],
    ["connecting", "failed", "waiting"],
    ["connecting", "no_credentials", "without"],
    ["catching_up", "caught_up", "feeding"],
    ["catching_up", "failed", "waiting"],
    ["feeding", "lost", "lost"],
    ["lost", "regained", "feeding"],
    ["lost", "failed", "waiting"],
    ["lost", "no_credentials", "without"],
    ["waiting", "due", "connecting"],
    ["waiting", "no_credentials", "without"],
  ];

for (const from of states) {
  for (const event of events) {
    const arrow = arrows.find(([a, b]) => a === from && b === event);
    Deno.test(`followCarrier() goes from ${from} by ${event} to ${arrow?.[2] ?? "nowhere"}`, () => {
      if (arrow) assert.equal(followCarrier(from, event), arrow[2]);
      else assert.throws(() => followCarrier(from, event), TypeError);
    });
  }
}

Deno.test("followCarrier() leads from every state to the bus", () => {
  for (const state of states) {
    const seen = new Set([state]);
    for (const at of seen) {
      for (const [from, , to] of arrows) if (from === at) seen.add(to);
    }
    assert.ok(seen.has("feeding"), state);
  }
});

Deno.test("nothing but a finished pull leads to the bus, and then it alone brings events", () => {
  const into = arrows.filter(([, , to]) => FEEDER[to] === "nats");
  assert.deepEqual(into, [
    ["catching_up", "caught_up", "feeding"],
    ["lost", "regained", "feeding"],
  ]);
});
