import assert from "node:assert/strict";
import {
  DEGRADED_REASONS,
  type DegradedReason,
  type StatusDocument,
} from "../../../src/wire/status.ts";
import { OpenListeners } from "../../../src/node_api/health/open_listeners.ts";
import { readinessOf } from "../../../src/node_api/health/readiness.ts";
import { FakeSources, sampleStatus } from "../fake_sources.ts";
import { call } from "../raw_http.ts";
import { startApi } from "../running_api.ts";

const VERIFIED: StatusDocument = {
  ...sampleStatus,
  verified_at: "2026-03-01T12:00:00.000Z",
};

function degraded(...reasons: DegradedReason[]): StatusDocument {
  return {
    ...VERIFIED,
    status: "degraded",
    reasons: reasons.map((reason) => ({
      reason,
      since: "2026-03-01T12:00:00.000Z",
      detail: "",
      works: "",
      next_try_at: null,
    })),
  };
}

Deno.test("/healthz says that the process lives, whatever is wrong with it", async () => {
  const sources = new FakeSources();
  sources.status = () => {
    throw new Error("must not be asked");
  };
  await using api = await startApi(sources);
  const { status, headers, body } = await call(api.socket, "/healthz");
  assert.deepEqual([status, body], [200, '{"status":"ok"}\n']);
  assert.equal(headers.get("cache-control"), "no-store");
});

Deno.test("/readyz names every check: 503 before anything was verified, then 200", async () => {
  const sources = new FakeSources();
  await using api = await startApi(sources);
  const before = await call(api.socket, "/readyz");
  assert.equal(before.status, 503);
  assert.equal(
    before.body,
    '{"status":"not ready","checks":[' +
      '{"name":"identity","ok":true,"reason":null},' +
      '{"name":"state","ok":false,"reason":"never_verified"},' +
      '{"name":"store","ok":true,"reason":null},' +
      '{"name":"freshness","ok":true,"reason":null},' +
      '{"name":"listeners","ok":true,"reason":null}]}\n',
  );
  sources.status = () => VERIFIED;
  const after = await call(api.socket, "/readyz");
  assert.equal(after.status, 200);
  assert.equal(after.headers.get("cache-control"), "no-store");
  assert.equal(JSON.parse(after.body).status, "ready");
});

/** What is wrong, and what each of the checks makes of it. */
const CASES: readonly (readonly [
  what: string,
  sources: {
    readonly status: StatusDocument;
    readonly refusal?: DegradedReason;
    readonly closed?: readonly string[];
  },
  failed: Readonly<Record<string, string>>,
  shown?: Readonly<Record<string, string>>,
])[] = [
  ["nothing", { status: VERIFIED }, {}],
  ["not joined", { status: degraded("not_enrolled") }, {
    identity: "not_enrolled",
  }],
  [
    "refused by the control plane",
    { status: degraded("unauthorized") },
    {},
    { identity: "unauthorized" },
  ],
  ["a full disk", { status: degraded("disk_full") }, { store: "disk_full" }],
  ["a disk to read only", { status: degraded("store_read_only") }, {
    store: "store_read_only",
  }],
  ["never verified", { status: sampleStatus }, { state: "never_verified" }],
  [
    "expired, and refused",
    { status: degraded("snapshot_expired"), refusal: "snapshot_expired" },
    { state: "snapshot_expired" },
  ],
  [
    "expired, and served",
    { status: degraded("snapshot_expired") },
    {},
    { state: "snapshot_expired" },
  ],
  [
    "the control plane is away for long",
    { status: { ...degraded("control_plane_unreachable"), stale: true } },
    {},
    { freshness: "stale,control_plane_unreachable" },
  ],
  ["a listener is down", { status: VERIFIED, closed: ["a.sock"] }, {
    listeners: "closed",
  }],
];

for (
  const [what, { status, refusal, closed = [] }, failed, shown = {}] of CASES
) {
  Deno.test(`readiness: ${what}`, () => {
    const readiness = readinessOf({
      status: () => status,
      refusal: () => refusal,
      closedListeners: () => closed,
    });
    const isReady = Object.keys(failed).length === 0;
    assert.equal(readiness.status, isReady ? "ready" : "not ready");
    const named = (ok: boolean) =>
      Object.fromEntries(
        readiness.checks.filter((check) =>
          check.ok === ok && check.reason !== null
        ).map(({ name, reason }) => [name, reason]),
      );
    assert.deepEqual(named(false), failed);
    assert.deepEqual(named(true), shown);
  });
}

Deno.test("every degraded reason is visible in readiness", () => {
  for (const reason of DEGRADED_REASONS) {
    const { checks } = readinessOf({
      status: () => degraded(reason),
      closedListeners: () => [],
    });
    const seen = checks.flatMap(({ reason }) => reason?.split(",") ?? []);
    assert.deepEqual(seen, [reason]);
  }
});

Deno.test("a signed snapshot has been verified, whenever that was", () => {
  const snapshot = {
    epoch: 1,
    version: 1,
    expires_at: "2026-03-01T12:00:00.000Z",
    refresh_due_at: "2026-03-01T12:00:00.000Z",
    activated_at: "2026-03-01T12:00:00.000Z",
    key_id: null,
  };
  const { status } = readinessOf({
    status: () => ({
      ...sampleStatus,
      signed_state: { snapshot, trust_bundle_version: 1 },
    }),
    closedListeners: () => [],
  });
  assert.equal(status, "ready");
});

Deno.test("OpenListeners knows what accepts, through failures", async () => {
  const listeners = new OpenListeners();
  let failNext = false;
  let end = Promise.withResolvers<void>();
  const open = listeners.followed("a.sock", () => {
    if (failNext) return Promise.reject(new Error("no descriptors"));
    end = Promise.withResolvers<void>();
    return Promise.resolve({
      finished: end.promise,
      place: () => "kept" as const,
      isListening: () => Promise.resolve(true),
      close: () => Promise.resolve(),
    });
  });
  assert.deepEqual(listeners.closed, ["a.sock"]);
  await open();
  assert.deepEqual(listeners.closed, []);
  end.reject(new Error("failed"));
  await end.promise.catch(() => {});
  assert.deepEqual(listeners.closed, ["a.sock"]);
  failNext = true;
  await assert.rejects(open());
  assert.deepEqual(listeners.closed, ["a.sock"]);
  failNext = false;
  await open();
  assert.deepEqual(listeners.closed, []);
  assert.deepEqual([...listeners.reopened], [["a.sock", 1]]);
});
