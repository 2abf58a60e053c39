import assert from "node:assert/strict";
import { DEGRADED_REASONS } from "../../../src/wire/status.ts";
import { dataEntry, FakeSources, sampleStatus } from "../fake_sources.ts";
import { type Address, call, dial } from "../raw_http.ts";
import { httpSettings, type RunningApi, startApi } from "../running_api.ts";
import { type ExposedFamily, parseExposition } from "./exposition.ts";

async function scrape(
  address: Address,
): Promise<Map<string, ExposedFamily>> {
  const { status, headers, body } = await call(address, "/metrics");
  assert.equal(status, 200);
  assert.equal(
    headers.get("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  assert.equal(headers.get("cache-control"), "no-store");
  return parseExposition(body);
}

/** The value of the one sample with these labels. */
function valueOf(
  families: ReadonlyMap<string, ExposedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
  suffix = "",
): number | undefined {
  return families.get(name)?.samples.find((sample) =>
    sample.name === name + suffix &&
    Object.entries(labels).every(([label, value]) =>
      sample.labels[label] === value
    )
  )?.value;
}

function requestsOf(
  families: ReadonlyMap<string, ExposedFamily>,
): Record<string, number> {
  const { samples = [] } = families.get("plexd_local_api_requests_total") ?? {};
  return Object.fromEntries(
    samples.filter(({ value }) => value > 0).map(({ labels, value }) => [
      `${labels["method"]} ${labels["route"]} ${labels["status"]}`,
      value,
    ]),
  );
}

async function withApi(
  sources: FakeSources,
  test: (api: RunningApi) => Promise<void>,
) {
  await using api = await startApi(sources);
  await test(api);
}

Deno.test("requests are counted by route, method and class, and never by key", async () => {
  const sources = new FakeSources();
  sources.state.view = {
    ...sources.state.view,
    data: new Map([["topsecret-key", dataEntry("topsecret-key")]]),
  };
  await withApi(sources, async ({ socket }) => {
    const body = '{"content_type":"a/b","payload":1}';
    await call(socket, "/v1/state/data/topsecret-key");
    await call(socket, "/v1/state/data/topsecret-other");
    await call(socket, "/v1/state/data/topsecret-key", { method: "HEAD" });
    await call(socket, "/v1/state/report/r", { method: "PUT", body });
    await call(socket, "/v1/state/report/r", { method: "PUT", body: "{" });
    await call(socket, "/v1/state/report/r", { method: "BREW" });
    await call(socket, "/topsecret-path", { method: "DELETE" });
    await call(socket, "/v1/state", { host: "a/b" });
    const families = await scrape(socket);
    assert.deepEqual(requestsOf(families), {
      "GET /v1/state/data/{key} 2xx": 1,
      "GET /v1/state/data/{key} 4xx": 1,
      "HEAD /v1/state/data/{key} 2xx": 1,
      "PUT /v1/state/report/{key} 2xx": 1,
      "PUT /v1/state/report/{key} 4xx": 1,
      "other /v1/state/report/{key} 4xx": 1,
      "DELETE none 4xx": 1,
      "GET none 4xx": 1,
    });
    const { body: text } = await call(socket, "/metrics");
    assert.doesNotMatch(text, /topsecret|BREW/);
    assert.match(text, /route="\/v1\/state",method="GET",status="2xx"\} 0\n/);
  });
});

Deno.test("whatever is asked for, the number of series stays as it is", async () => {
  await withApi(new FakeSources(), async ({ socket }) => {
    const count = async () =>
      [...(await scrape(socket)).values()]
        .reduce((sum, { samples }) => sum + samples.length, 0);
    const ask = async (from: number) => {
      for (let at = from; at < from + 40; at++) {
        await call(socket, `/v1/state/data/k${at}`);
        await call(socket, `/no/${at}`, { method: `M${at}` });
        await call(socket, `/v1/state/report/k${at}`, {
          method: "PUT",
          body: '{"content_type":"a/b","payload":1}',
        });
      }
    };
    await ask(0);
    await count();
    const before = await count();
    await ask(100);
    assert.equal(await count(), before);
  });
});

Deno.test("every write is timed, and one read in sixteen", async () => {
  await withApi(new FakeSources(), async ({ socket }) => {
    for (let at = 0; at < 33; at++) {
      await call(socket, "/v1/state/data/k");
      await call(socket, "/v1/state/report/k", { method: "DELETE" });
    }
    const families = await scrape(socket);
    const timed = (method: string, route: string) =>
      valueOf(
        families,
        "plexd_local_api_request_duration_seconds",
        { method, route },
        "_count",
      );
    assert.equal(timed("GET", "/v1/state/data/{key}"), 3);
    assert.equal(timed("DELETE", "/v1/state/report/{key}"), 33);
  });
});

Deno.test("a write that waits for its disk is in flight", async () => {
  const sources = new FakeSources();
  const { promise, resolve } = Promise.withResolvers<void>();
  sources.reports.gate = promise;
  await withApi(sources, async ({ socket }) => {
    const writes = ["a", "b"].map((key) =>
      call(socket, `/v1/state/report/${key}`, { method: "DELETE" })
    );
    const inFlight = async () =>
      valueOf(await scrape(socket), "plexd_local_api_requests_in_flight");
    while (await inFlight() !== 2) { /* They are on their way. */ }
    resolve();
    await Promise.all(writes);
    assert.equal(await inFlight(), 0);
  });
});

Deno.test("the status is there in figures; what is unknown is absent", async () => {
  const sources = new FakeSources();
  sources.status = () => ({
    ...sampleStatus,
    status: "degraded",
    reasons: [{
      reason: "disk_full",
      since: "2026-03-01T12:00:00.000Z",
      detail: 'a "detail"',
      works: "reads",
      next_try_at: null,
    }],
    stale: true,
    verified_at: "2026-03-01T12:00:00.500Z",
    stream: { ...sampleStatus.stream, state: "polling" },
    events: {
      applied: 5,
      repeated: 2,
      last_applied_at: null,
      by_type: { node_state_updated: 7, other: 1 },
      rejected: { signature: 2, stale: 1 },
    },
    telemetry: {
      ...sampleStatus.telemetry,
      logs: { sent: 9, dropped: 3, buffered: 1, last_error: "no" },
    },
    resources: {
      at: "2026-03-01T12:00:00.000Z",
      short: [],
      disk: null,
      memory: null,
      descriptors: { open: 12, limit: 1024 },
    },
  });
  await withApi(sources, async ({ socket }) => {
    const families = await scrape(socket);
    const value = (name: string, labels: Record<string, string> = {}) =>
      valueOf(families, name, labels);
    assert.equal(value("plexd_build_info", { version: "0.1.0" }), 1);
    assert.equal(value("plexd_start_time_seconds"), 1772366400);
    assert.equal(value("plexd_degraded"), 1);
    assert.deepEqual(
      families.get("plexd_degraded_reason")?.samples.map((sample) => [
        sample.labels["reason"],
        sample.value,
      ]),
      DEGRADED_REASONS.map((
        reason,
      ) => [reason, reason === "disk_full" ? 1 : 0]),
    );
    assert.equal(value("plexd_state_stale"), 1);
    assert.equal(
      value("plexd_state_verified_timestamp_seconds"),
      1772366400.5,
    );
    const states = families.get("plexd_stream_state")?.samples ?? [];
    assert.deepEqual(
      states.filter((sample) => sample.value === 1)
        .map(({ labels }) => labels["state"]),
      ["polling"],
    );
    assert.equal(states.length, 6);
    assert.equal(value("plexd_events_total", { outcome: "rejected" }), 3);
    assert.equal(value("plexd_events_total", { outcome: "applied" }), 5);
    assert.equal(value("plexd_events_rejected_total", { reason: "stale" }), 1);
    assert.equal(value("plexd_events_verified_total", { type: "other" }), 1);
    assert.equal(
      value("plexd_telemetry_records_total", { kind: "logs", outcome: "sent" }),
      9,
    );
    assert.equal(value("plexd_descriptors_limit"), 1024);
    assert.ok(value("plexd_open_descriptors")! >= 3);
    assert.ok(value("plexd_resident_memory_bytes")! > 1e6);
    for (
      const absent of [
        "plexd_last_event_timestamp_seconds",
        "plexd_snapshot_version",
        "plexd_data_disk_free_bytes",
      ]
    ) assert.ok(!families.has(absent), absent);
  });
});

Deno.test("connections and refusals of TCP are counted, by listener and reason", async () => {
  await using api = await startApi(
    new FakeSources(),
    (folder) => httpSettings(folder, "t0ken"),
  );
  using _open = await dial(api.api.httpPort!);
  const answer = await call(api.api.httpPort!, "/v1/state", {
    headers: { "X-Long": "x".repeat(100_000) },
  });
  assert.equal(answer.status, 431);
  const families = await scrape(api.socket);
  assert.equal(
    valueOf(families, "plexd_local_api_refused_total", {
      reason: "head_too_large",
    }),
    1,
  );
  const connections = valueOf(families, "plexd_local_api_connections", {
    listener: "127.0.0.1:0",
  });
  assert.ok(connections! >= 1, String(connections));
});

Deno.test("a label is escaped so that it stays one", async () => {
  const sources = new FakeSources();
  const version = 'a"b\\c\nd} 1';
  sources.status = () => ({ ...sampleStatus, version });
  await withApi(sources, async ({ socket }) => {
    const families = await scrape(socket);
    assert.equal(valueOf(families, "plexd_build_info", { version }), 1);
  });
});

Deno.test("the parser of these tests refuses what Prometheus would", () => {
  const good = "# HELP a_total A thing.\n# TYPE a_total counter\na_total 1\n";
  parseExposition(good);
  for (
    const bad of [
      good.slice(0, -1),
      good + good,
      good + "a_total 2\n",
      good + "b 1\n",
      good.replaceAll("a_total", "a"),
      good.replace("counter", "meter"),
      good.replace("a_total 1", 'a_total{x="1",x="2"} 1'),
      good.replace("a_total 1", 'a_total{x="\\q"} 1'),
      good.replace("a_total 1", "a_total 1,0"),
      good.replace("# TYPE a_total counter\n", ""),
      good.replace("a_total 1\n", ""),
    ]
  ) assert.throws(() => parseExposition(bad), assert.AssertionError, bad);
});
