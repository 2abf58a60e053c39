import assert from "node:assert/strict";
import { AuditTrail } from "../../src/sync/audit_trail.ts";
import { auditEntrySchema } from "../../src/wire/bodies.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

function record(n: number) {
  return {
    eventType: "secret_read",
    action: "read",
    subject: { type: "local_program" },
    object: { type: "secret", key: `k${n}` },
    result: "success",
  } as const;
}

Deno.test("AuditTrail makes entries as the control plane takes them", () => {
  const clock = new FakeClock();
  const trail = new AuditTrail({ hostname: "node-1", limit: 10, clock });
  trail.record(record(1));
  assert.equal(trail.waiting, 1);
  const entries = trail.drain();
  assert.deepEqual(entries, [{
    timestamp: "2026-03-01T12:00:00.000Z",
    source: "plexd",
    event_type: "secret_read",
    subject: { type: "local_program" },
    object: { type: "secret", key: "k1" },
    action: "read",
    result: "success",
    hostname: "node-1",
    raw: "",
  }]);
  for (const entry of entries) auditEntrySchema.parse(entry);
  assert.equal(trail.waiting, 0);
});

Deno.test("AuditTrail keeps the newest records, and counts those it dropped", () => {
  const clock = new FakeClock();
  const trail = new AuditTrail({ hostname: "node-1", limit: 2, clock });
  for (const n of [1, 2, 3]) trail.record(record(n));
  assert.equal(trail.dropped, 1);
  const kept = trail.drain().map(({ object }) => object);
  assert.deepEqual(kept, [record(2).object, record(3).object]);
});

Deno.test("AuditTrail cuts what comes from outside, to what any control plane takes", () => {
  const clock = new FakeClock();
  const trail = new AuditTrail({ hostname: "node-1", limit: 10, clock });
  trail.record({
    ...record(1),
    subject: { type: "user", email: "x".repeat(4_000_000), id: "a\0b" },
    object: { key: "\ud800", count: 3, nothing: null },
  });
  const [entry] = trail.drain();
  assert.deepEqual(entry?.subject, {
    type: "user",
    email: "x".repeat(1_024),
    id: "a\ufffdb",
  });
  assert.deepEqual(entry?.object, { key: "\ufffd", count: 3, nothing: null });
});
