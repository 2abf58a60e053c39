import assert from "node:assert/strict";
import { countedDisk } from "../../../src/agent/counted_disk.ts";
import { RequestCounts } from "../../../src/node_api/metrics/request_counts.ts";
import { statusFamilies } from "../../../src/node_api/metrics/status_families.ts";
import { systemDisk } from "../../../src/store/disk.ts";
import {
  DEGRADED_REASONS,
  type StatusDocument,
} from "../../../src/wire/status.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeSources, sampleStatus } from "../fake_sources.ts";
import { call } from "../raw_http.ts";
import { startApi } from "../running_api.ts";
import { parseExposition } from "./exposition.ts";

const root = new URL("../../../", import.meta.url);
const AT = "2026-03-01T12:00:00.000Z";

/** Nothing of it is unknown. */
const COMPLETE: StatusDocument = {
  ...sampleStatus,
  verified_at: AT,
  stream: { ...sampleStatus.stream, state: "waiting", down_since: AT },
  carrier: {
    active: "nats",
    transport: "nats",
    nats: {
      state: "feeding",
      since: AT,
      next_try_at: null,
      last_error: null,
      refused: 0,
    },
  },
  credential: { check: "ok", at: AT, fingerprint: "00" },
  carrier_credentials: {
    state: "ok",
    expires_at: AT,
    last_refresh_at: AT,
    next_refresh_at: AT,
    last_error: null,
  },
  events: {
    applied: 1,
    repeated: 0,
    last_applied_at: AT,
    by_type: { other: 1 },
    rejected: { stale: 1 },
  },
  pull: { last_success_at: AT, last_error: null, next_at: AT },
  state: { ...sampleStatus.state, epoch: 1, version: 1 },
  signed_state: {
    snapshot: {
      epoch: 1,
      version: 1,
      expires_at: AT,
      refresh_due_at: AT,
      activated_at: AT,
      key_id: null,
    },
    trust_bundle_version: 1,
  },
  sync: {
    ...sampleStatus.sync,
    reports: { synced: 1, pending: 0, suspended: 0, refused: 0, local_only: 0 },
    last_success_at: AT,
  },
  contact: { last_heartbeat_at: AT, last_contact_at: AT },
  identity: {
    ...sampleStatus.identity,
    client_certificate: {
      subject: "CN=node",
      fingerprint: "00",
      not_after: AT,
      state: "valid",
    },
  },
  resources: {
    at: AT,
    short: [],
    disk: { free_bytes: 1, total_bytes: 2 },
    memory: null,
    descriptors: { open: 1, limit: 2 },
  },
  telemetry: {
    metrics: { sent: 1, dropped: 0, buffered: 0, last_error: null },
    logs: null,
    audit: null,
  },
};

Deno.test("docs/local-api.md lists every metric that there is, with its type", async () => {
  const sources = new FakeSources();
  sources.status = () => COMPLETE;
  await using running = await startApi(sources, (folder) => {
    const tokenFile = `${folder}/token`;
    Deno.writeTextFileSync(tokenFile, "t0ken", { mode: 0o600 });
    return { http: { listen: "127.0.0.1:0", tokenFile } };
  });
  const { body } = await call(running.socket, "/metrics");
  const types = new Map(
    [
      ...parseExposition(body).values(),
      ...new RequestCounts(new FakeClock()).families,
      ...countedDisk(systemDisk, new FakeClock()).figures(),
    ].map(({ name, type }) => [name, String(type)]),
  );
  for (const { name } of statusFamilies(COMPLETE)) {
    assert.ok(types.has(name), `${name} is missing where nothing is unknown`);
  }
  const page = Deno.readTextFileSync(new URL("docs/local-api.md", root));
  const listed = new Map(
    page.split("\n").filter((line) => line.startsWith("| `plexd_"))
      .flatMap((line) => {
        const [, names = "", type = ""] = line.split("|");
        return [...names.matchAll(/`(\w+)`/g)]
          .map(([, name]) => [name!, type.trim()] as const);
      }),
  );
  const sorted = (map: ReadonlyMap<string, string>) =>
    [...map].sort(([a], [b]) => a < b ? -1 : 1);
  assert.deepEqual(sorted(listed), sorted(types));
});

Deno.test("the rules of docs/runbook.md ask for metrics and reasons that there are", () => {
  const page = Deno.readTextFileSync(new URL("docs/runbook.md", root));
  const rules = page.slice(page.indexOf("\n## Alarms of nodes\n"));
  const local = Deno.readTextFileSync(new URL("docs/local-api.md", root));
  const names = [...rules.matchAll(/\bplexd_\w+/g)].map(([name]) =>
    name.replace(/_bucket$/, "")
  );
  assert.ok(names.length > 10);
  for (const name of names) assert.ok(local.includes(`\`${name}\``), name);
  const reasons = [...rules.matchAll(/degraded_reason\{reason=~"([^"]+)"/g)]
    .flatMap(([, list]) => list!.split("|"));
  const known: readonly string[] = DEGRADED_REASONS;
  assert.ok(reasons.length > 3);
  for (const reason of reasons) assert.ok(known.includes(reason), reason);
});
