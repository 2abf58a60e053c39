import assert from "node:assert/strict";
import { ReportSyncer } from "../../src/sync/report_syncer.ts";
import type { ReportChanges } from "../../src/store/sync_ledger.ts";
import type { ControlFailure } from "../../src/uplink/control_error.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { Dialect1Uplink } from "../../src/uplink/dialect1_uplink.ts";
import { evalWithGc } from "../eval_with_gc.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { inFolder } from "../store/open_store.ts";
import { TestServer, until } from "../uplink/serve.ts";
import { failure, FakeControl, whileSyncing } from "./syncing.ts";

Deno.test("a change is sent when the quiet time after the first one is over", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink, log, syncer }) => {
      await put("a");
      await pass(3_000);
      await put("a", "2");
      await put("b");
      await pass(1_999);
      assert.deepEqual(uplink.sent(), []);
      await pass(1);
      assert.deepEqual(uplink.sent(), [["a@2", "b@1"]]);
      assert.equal(syncer.pending, 0);
      const [line] = log.lines;
      assert.equal(line?.level, "info");
      assert.deepEqual(line?.fields, { entries: 2, deleted: 0 });
      assert.equal(log.lines.length, 1);
    })
  ));

Deno.test("changes during a call wait for a quiet time of their own", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink }) => {
      uplink.meanwhile = async () => {
        uplink.meanwhile = undefined;
        await put("a", "2");
      };
      await put("a");
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["a@1"]]);
      await pass(4_999);
      assert.equal(uplink.calls.length, 1);
      await pass(1);
      assert.deepEqual(uplink.sent(), [["a@1"], ["a@2"]]);
    })
  ));

Deno.test("deletions are sent, and nothing that came and went unseen", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink, store }) => {
      await put("a");
      await pass(5_000);
      await store.reports.delete("a");
      await put("b");
      await store.reports.delete("b");
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["a@1"], ["-a"]]);
    })
  ));

Deno.test("a key that is deleted and made again while offline is sent, though its version is the same", () =>
  inFolder(async (dir) => {
    await whileSyncing(dir, async ({ put, pass, uplink, store }) => {
      await put("a", `"old"`);
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["a@1"]]);
      uplink.rule = () => failure("unreachable");
      await store.reports.delete("a");
      await put("a", `"new"`);
      await pass(5_000);
    });
    await whileSyncing(dir, async ({ pass, uplink }) => {
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["a@1"]]);
      assert.equal(uplink.calls[0]?.entries[0]?.payload, `"new"`);
    });
  }));

Deno.test("what was not sent before a restart is sent after it", () =>
  inFolder(async (dir) => {
    await whileSyncing(dir, async ({ put, pass, store }) => {
      await put("gone");
      await put("kept");
      await pass(5_000);
      await put("kept", "2");
      await put("new");
      await store.reports.delete("gone");
    });
    await whileSyncing(dir, async ({ pass, uplink, syncer }) => {
      assert.equal(syncer.pending, 3);
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["kept@2", "new@1", "-gone"]]);
    });
    await whileSyncing(dir, async ({ pass, uplink }) => {
      await pass(60_000);
      assert.deepEqual(uplink.sent(), []);
    });
  }));

Deno.test("failures back off from the quiet time to a minute, each with one warning", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink, clock, log, syncer }) => {
      uplink.rule = () => failure("unreachable");
      await put("a");
      await pass(5_000);
      const waits = [5_000, 10_000, 20_000, 40_000, 60_000, 60_000];
      for (const [at, wait] of waits.entries()) {
        assert.equal(uplink.calls.length, at + 1);
        assert.deepEqual(clock.sleeping, [wait]);
        assert.equal(syncer.status.nextTryMs, clock.now() + wait);
        await pass(wait);
      }
      const warnings = log.lines.map(({ level, fields }) => ({
        level,
        attempt: fields["attempt"],
        wait_ms: fields["wait_ms"],
      }));
      assert.deepEqual(
        warnings.slice(0, 3),
        [1, 2, 3].map((attempt) => ({
          level: "warn",
          attempt,
          wait_ms: waits[attempt - 1],
        })),
      );
      uplink.rule = () => undefined;
      await pass(60_000);
      assert.equal(syncer.pending, 0);
      assert.equal(syncer.status.lastError, undefined);
      // The next failure is the first of its series again.
      uplink.failures.push(failure("server"));
      await put("b");
      await pass(5_000);
      assert.deepEqual(clock.sleeping, [5_000]);
    })
  ));

const waits: { when: string; retryAfterMs: number; waits: number }[] = [
  { when: "it asks for long", retryAfterMs: 300_000, waits: 300_000 },
  { when: "it asks for no wait", retryAfterMs: 0, waits: 5_000 },
  { when: "it asks for a day", retryAfterMs: 86_400_000, waits: 3_600_000 },
];

for (const { when, retryAfterMs, waits: expected } of waits) {
  Deno.test(`the server's Retry-After is kept within bounds when ${when}`, () =>
    inFolder((dir) =>
      whileSyncing(dir, async ({ put, pass, uplink, clock }) => {
        uplink.failures.push(failure("rate_limited", { retryAfterMs }));
        await put("a");
        await pass(5_000);
        assert.deepEqual(clock.sleeping, [expected]);
        await pass(expected);
        assert.equal(uplink.calls.length, 2);
      })
    ));
}

const refusals: ControlFailure[] = ["bad_request", "conflict", "too_large"];

for (const kind of refusals) {
  Deno.test(`a report that is refused as "${kind}" is parked alone until it changes`, () =>
    inFolder((dir) =>
      whileSyncing(dir, async ({ put, pass, uplink, log, syncer }) => {
        uplink.rule = ({ entries }) =>
          entries.some(({ payload }) => payload === `"bad"`)
            ? failure(kind)
            : undefined;
        for (const key of ["a", "b", "c", "d", "e"]) {
          await put(key, key === "c" ? `"bad"` : "1");
        }
        await pass(5_000);
        assert.equal(syncer.pending, 1);
        const warnings = log.lines.filter(({ level }) => level === "warn");
        assert.deepEqual(warnings.map(({ fields }) => fields["key"]), ["c"]);
        const calls = uplink.calls.length;
        await pass(600_000);
        assert.equal(uplink.calls.length, calls);
        await put("c", `"good"`);
        await pass(5_000);
        assert.deepEqual(uplink.sent().at(-1), ["c@2"]);
        assert.equal(syncer.pending, 0);
      })
    ));
}

Deno.test("a report that was refused is not kept once it is deleted", async () => {
  const program = `
    import { inFolder } from "./tests/store/open_store.ts";
    import { failure, whileSyncing } from "./tests/sync/syncing.ts";
    await inFolder((dir) =>
      whileSyncing(dir, async ({ put, pass, uplink, store }) => {
        uplink.rule = () => failure("bad_request", { status: 400 });
        const bytesAfter = async (first, last) => {
          for (let n = first; n <= last; n++) {
            await put("r" + n, JSON.stringify("x".repeat(100_000) + n));
            await pass(5_000);
            await store.reports.delete("r" + n);
            await pass(5_000);
            uplink.calls.length = 0;
          }
          gc();
          return Deno.memoryUsage().heapUsed;
        };
        const before = await bytesAfter(1, 10);
        const after = await bytesAfter(11, 50);
        console.log(Math.round((after - before) / 40));
      })
    );
  `;
  const printed = await evalWithGc(program);
  assert.ok(Number(printed) < 20_000, printed);
});

/** Takes so many reports, as plexd's own control plane does. */
function withRoomFor(most: number, there = new Set<string>()) {
  return ({ entries, deleted }: ReportChanges) => {
    const next = new Set(there);
    for (const key of deleted) next.delete(key);
    for (const { key } of entries) next.add(key);
    if (next.size > Math.max(most, there.size)) {
      return failure("conflict", {
        status: 409,
        code: "report_quota_exceeded",
      });
    }
    there.clear();
    for (const key of next) there.add(key);
    return undefined;
  };
}

Deno.test("where there is no room for all reports, as many as fit go up with a few calls, and others with each deletion", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink, store, syncer, log }) => {
      const there = new Set<string>();
      uplink.rule = withRoomFor(30, there);
      const names = Array.from({ length: 100 }, (_, n) => `r${100 + n}`);
      for (const name of names.slice(0, 20)) await put(name);
      await pass(5_000);
      assert.equal(there.size, 20);
      uplink.calls.length = 0;

      for (const name of names.slice(20)) await put(name);
      await put("r100", "2");
      await pass(5_000);
      assert.equal(there.size, 30);
      assert.ok(uplink.calls.length <= 14, `${uplink.calls.length} calls`);
      assert.ok(uplink.sent().some((keys) => keys.join() === "r100@2"));
      assert.equal(syncer.counts.refused, 70);
      const { state, error } = syncer.stateOf(
        store.reports.view.entries.get("r199")!,
      );
      assert.equal(state, "refused");
      assert.match(error ?? "", /conflict/);
      const warned = log.lines.filter(({ level }) => level === "warn");
      assert.ok(warned.length <= 8, `${warned.length} warnings`);

      const calls = uplink.calls.length;
      await pass(3_600_000);
      assert.equal(uplink.calls.length, calls, "nothing is asked in vain");

      await store.reports.delete("r105");
      await pass(5_000);
      await pass(5_000);
      assert.equal(there.size, 30);
      assert.equal(there.has("r105"), false);
      assert.equal(syncer.counts.refused, 69);
      assert.ok(uplink.calls.length - calls <= 16);
    })
  ));

Deno.test("a conflict that is none of room parks its report alone", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink, store, syncer }) => {
      uplink.rule = ({ entries }) =>
        entries.some(({ key }) => key === "b")
          ? failure("conflict", { status: 409 })
          : undefined;
      for (const key of ["a", "b", "c"]) await put(key);
      await pass(5_000);
      assert.equal(syncer.counts.synced, 2);
      await store.reports.delete("a");
      await pass(5_000);
      await pass(5_000);
      assert.deepEqual(uplink.sent().at(-1), ["-a"]);
      assert.equal(syncer.counts.refused, 1);
    })
  ));

Deno.test("a refused deletion does not keep the others back", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink, store, syncer }) => {
      await put("a");
      await put("b");
      await pass(5_000);
      uplink.rule = ({ deleted }) =>
        deleted.includes("a") ? failure("bad_request") : undefined;
      await store.reports.delete("a");
      await store.reports.delete("b");
      await pass(5_000);
      assert.deepEqual(uplink.sent().at(-1), ["-b"]);
      assert.equal(syncer.pending, 1);
    })
  ));

const transient: ControlFailure[] = [
  "unauthorized",
  "forbidden",
  "not_found",
  "rate_limited",
  "server",
  "timeout",
];

for (const kind of transient) {
  Deno.test(`"${kind}" is no reason to park a report`, () =>
    inFolder((dir) =>
      whileSyncing(dir, async ({ put, pass, uplink, syncer }) => {
        uplink.failures.push(failure(kind));
        await put("a");
        await pass(5_000);
        await pass(5_000);
        assert.deepEqual(uplink.sent(), [["a@1"], ["a@1"]]);
        assert.equal(syncer.pending, 0);
      })
    ));
}

Deno.test("many changes go up in batches, and what arrived stays synced when a later one fails", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink, syncer }) => {
      for (const key of ["a", "b", "c", "d", "e"]) await put(key);
      uplink.rule = () =>
        uplink.calls.length === 2 ? failure("server") : undefined;
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["a@1", "b@1"], ["c@1", "d@1"]]);
      assert.equal(syncer.pending, 3);
      await pass(5_000);
      assert.deepEqual(uplink.sent().slice(2), [["c@1", "d@1"], ["e@1"]]);
    }, { maxBatch: 2 })
  ));

for (const name of ["debounceMs", "maxWaitMs", "maxBatch"]) {
  Deno.test(`ReportSyncer refuses a "${name}" of 0`, () => {
    const make = () =>
      new ReportSyncer({
        reports: { view: { entries: new Map() }, onChange: () => () => {} },
        ledger: {
          pending: () => ({ entries: [], deleted: [] }),
          synced: () => undefined,
          mayHave: () => false,
          markSending: () => Promise.resolve(),
          markRefused: () => {},
          markSynced: () => Promise.resolve(),
        },
        uplink: new FakeControl(),
        io: {
          clock: new FakeClock(),
          random: new FakeRandom(),
          log: new MemoryLog(),
        },
        [name]: 0,
      });
    assert.throws(make, RangeError);
  });
}

Deno.test("reports reach a real server with their payloads byte for byte", () =>
  inFolder(async (dir) => {
    await using server = new TestServer(() => new Response());
    const clock = new FakeClock();
    const client = new ControlClient({
      baseUrl: server.url,
      version: "test",
      clock,
      log: new MemoryLog(),
    });
    const uplink = new Dialect1Uplink({
      http: client.http,
      nodeId: "n_1",
      bearer: () => "secret",
    });
    const payload = `{"b":1.0,  "a":[1E+05]}`;
    await whileSyncing(dir, async ({ put, clock, syncer }) => {
      await put("health", payload);
      await clock.advance(5_000);
      await until("the report is synced", () => syncer.pending === 0);
    }, { uplink });
    const [request] = server.seen;
    assert.equal(request?.path, "/v1/nodes/n_1/report");
    const body = new TextDecoder().decode(request?.body);
    assert.ok(body.includes(`"payload":${payload},"version":1`), body);
    assert.ok(body.endsWith(`"deleted":null}`), body);
  }));

const never = new AbortController().signal;

Deno.test("flush() sends what still waits for its quiet time", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, uplink, syncer }) => {
      await put("a");
      await syncer.flush(never);
      assert.deepEqual(uplink.sent(), [["a@1"]]);
      await syncer.flush(never);
      assert.equal(uplink.calls.length, 1);
    })
  ));

Deno.test("flush() tries once, and not while somebody asked to wait", () =>
  inFolder((dir) =>
    whileSyncing(dir, async ({ put, pass, uplink, syncer, clock, log }) => {
      uplink.failures.push(failure("timeout"), failure("timeout"));
      await put("a");
      await syncer.flush(never);
      assert.equal(uplink.calls.length, 1);
      assert.equal(
        log.lines.at(-1)?.message,
        "Reports wait for the next start",
      );
      await pass(5_000);
      assert.equal(uplink.calls.length, 2);
      await syncer.flush(never);
      assert.equal(uplink.calls.length, 2);
      clock.jump(3_600_000);
      assert.equal(syncer.status.nextTryMs, clock.now() + 5_000);
      await syncer.flush(never);
      assert.equal(uplink.calls.length, 2, "a clock that is set is no wait");
    })
  ));
