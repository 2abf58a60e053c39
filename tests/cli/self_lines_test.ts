import assert from "node:assert/strict";
import { selfLines } from "../../src/cli/self_lines.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { sampleStatus } from "../node_api/fake_sources.ts";

const times = {
  ago: (time: string) => `${time} ago`,
  when: (time: string) => `at ${time}`,
};
const linesOf = (rest: Partial<StatusDocument>) =>
  selfLines({ ...sampleStatus, ...rest }, times)
    .map(([name, text]) => `${name}: ${text}`);

Deno.test("selfLines() says nothing about an agent that is as it should be", () => {
  assert.deepEqual(linesOf({}), []);
  const ok = { kind: "diag", at: "T", outcome: "ok" } as const;
  const agent = { ...sampleStatus.agent, last_diagnostics: ok };
  assert.deepEqual(linesOf({ agent }), []);
});

Deno.test("selfLines() tells what the agent runs short of, with figures", () => {
  const resources = {
    at: "T",
    short: ["disk", "memory", "descriptors"],
    disk: { free_bytes: 12 * 2 ** 20, total_bytes: 9.5 * 2 ** 30 },
    memory: { some_percent: 12.5, full_percent: 1 },
    descriptors: { open: 900, limit: 1_024 },
  } as const;
  assert.deepEqual(linesOf({ resources }), [
    "Resources: short: disk (12 MiB of 9.5 GiB free), " +
    "memory (12.5 % of the time waited for), descriptors (900 of 1024 in use)",
  ]);
  assert.deepEqual(linesOf({ resources: { ...resources, short: [] } }), []);
});

Deno.test("selfLines() tells of the last event, and what it happened to", () => {
  const last = { type: "disconnect", at: "T" };
  const lineOf = (rest: { carrier?: string; reason?: string }) =>
    linesOf({ last_event: { ...last, ...rest } });
  assert.deepEqual(lineOf({}), ["Last event: disconnect T ago"]);
  assert.deepEqual(lineOf({ carrier: "nats", reason: "reset" }), [
    "Last event: disconnect (nats) T ago: reset",
  ]);
});

Deno.test("selfLines() tells of updates, whatever is known of them", () => {
  const updates = {
    current_since: "T0",
    pending: { version: "1.2.0", since: "T1" },
    canary_group: "early",
    rollback_version: "1.0.0",
    last: {
      version: "1.1.0",
      outcome: "rolled_back",
      at: "T2",
      detail: "not ready in time",
    },
  };
  assert.deepEqual(linesOf({ updates }), [
    "Updates: 1.2.0 staged T1 ago, not in place yet; " +
    "1.1.0 rolled back (not ready in time) T2 ago; " +
    "1.0.0 can be put back; group early",
  ]);
});

Deno.test("selfLines() tells when certificate and safe operation end, and of diagnostics", () => {
  const certificate = (state: "valid" | "expires_soon" | "expired") => ({
    identity: {
      ...sampleStatus.identity,
      client_certificate: {
        subject: "CN=n",
        fingerprint: "",
        not_after: "T",
        state,
      },
    },
  });
  assert.deepEqual(linesOf(certificate("valid")), [
    "Certificate: CN=n ends at T",
  ]);
  assert.deepEqual(linesOf(certificate("expires_soon")), [
    "Certificate: CN=n ends at T: renew it, then reload plexd",
  ]);
  assert.deepEqual(linesOf(certificate("expired")), [
    "Certificate: CN=n has expired at T: renew it, then reload plexd",
  ]);
  const found = { kind: "store_verify", at: "T", outcome: "findings" } as const;
  const agent = { ...sampleStatus.agent, last_diagnostics: found };
  assert.deepEqual(linesOf({ safe_until: "T", agent }), [
    "Safe until: T (at T); then no state is served",
    'Diagnostics: "plexd store verify" found damage T ago',
  ]);
});
