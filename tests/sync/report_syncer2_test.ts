import assert from "node:assert/strict";
import { REPORT_RULES } from "../../src/sync/report_rules.ts";
import { vectors } from "../vectors/load.ts";
import { inFolder } from "../store/open_store.ts";
import { failure, type Running, whileSyncing } from "./syncing.ts";

/** As `whileSyncing`, in dialect 2. */
function inDialect2(work: (running: Running) => Promise<void>) {
  return inFolder((dir) => whileSyncing(dir, work, { dialect: 2 }));
}

const { carries } = REPORT_RULES[2];

for (const vector of vectors.report_sync) {
  const { name, valid_keys, invalid_keys, ok, too_long_length: long } = vector;
  if (name === "d2-secret-name-grammar") continue;
  if (valid_keys && invalid_keys) {
    Deno.test(`keys that dialect 2 carries are those of vector ${name}`, () => {
      assert.ok(valid_keys.length > 0 && invalid_keys.length > 0);
      for (const key of valid_keys) assert.equal(carries({ key }), true, key);
      for (const key of invalid_keys) assert.ok(!carries({ key }), key);
    });
  }
  if (ok && long) {
    Deno.test(`values that dialect 2 carries are as long as in vector ${name}`, () => {
      const most = vector.max_bytes!;
      assert.equal(carries({ key: "a", payload: ok }), true);
      assert.equal(carries({ key: "a", payload: "x".repeat(long) }), false);
      assert.equal(ok.length, most);
      assert.equal(carries({ key: "a", payload: "é".repeat(most / 2) }), true);
      const over = "é".repeat(most / 2 + 1);
      assert.equal(carries({ key: "a", payload: over }), false);
    });
  }
}

Deno.test("dialect 2 sends change by change, in the order of keys", () =>
  inDialect2(async ({ put, pass, uplink, store, syncer }) => {
    await put("b");
    await put("d");
    await pass(5_000);
    await store.reports.delete("b");
    for (const key of ["c", "a"]) await put(key);
    await put("d", "2");
    await pass(5_000);
    assert.deepEqual(uplink.sent().slice(2), [["a@1"], ["-b"], ["c@1"], [
      "d@2",
    ]]);
    assert.equal(syncer.pending, 0);
  }));

Deno.test("reports that dialect 2 cannot carry stay local, and keep nothing back", () =>
  inDialect2(async ({ put, pass, uplink, store, syncer, log }) => {
    await put("Upper");
    await put("long", JSON.stringify("x".repeat(5_000)));
    await put("ok");
    await pass(5_000);
    assert.deepEqual(uplink.sent(), [["ok@1"]]);
    assert.equal(syncer.pending, 0);
    assert.equal(syncer.counts.local_only, 2);
    assert.deepEqual(log.lines.filter(({ level }) => level === "warn"), []);
    await store.reports.delete("Upper");
    await pass(60_000);
    assert.equal(uplink.calls.length, 1);
    assert.equal(syncer.counts.local_only, 1);
  }));

Deno.test("a report that has become too long is deleted upstream, and put there again when it fits", () =>
  inDialect2(async ({ put, pass, uplink, store, syncer }) => {
    const long = JSON.stringify("x".repeat(5_000));
    await put("a");
    await pass(5_000);
    await put("a", long);
    assert.equal(syncer.pending, 1);
    await pass(5_000);
    assert.deepEqual(uplink.sent(), [["a@1"], ["-a"]]);
    assert.equal(syncer.pending, 0);
    assert.equal(syncer.counts.local_only, 1);
    await put("a", long);
    await pass(60_000);
    assert.equal(uplink.calls.length, 2);
    await put("a", "2");
    await pass(5_000);
    assert.deepEqual(uplink.sent().at(-1), ["a@4"]);
    await put("a", long);
    await store.reports.delete("a");
    await pass(5_000);
    assert.deepEqual(uplink.sent().slice(3), [["-a"]]);
  }));

/** How often a report is tried, and in which steps, that is refused like this. */
const AFTER: Readonly<Record<string, number | undefined>> = {
  // plexd parks what the public agent drops: see docs/deviations.md.
  drop: undefined,
  keep_no_hot_retry: undefined,
  suppress_5m: 300_000,
};

for (const vector of vectors.report_sync) {
  const { server_status: status, server_code: code, outcome } = vector;
  if (!status || !code || outcome === undefined || outcome === "done") continue;
  const kind = status === 400
    ? "bad_request"
    : status === 409
    ? "conflict"
    : "server";
  Deno.test(`a report refused as in vector ${vector.name} is handled as it says: ${outcome}`, () =>
    inDialect2(async ({ put, pass, uplink, syncer, clock, log }) => {
      assert.ok(outcome in AFTER, outcome);
      const again = AFTER[outcome];
      let mended = false;
      uplink.rule = ({ entries }) =>
        entries.some(({ payload }) => payload === `"bad"`) && !mended
          ? failure(kind, { status, code })
          : undefined;
      await put("a", `"bad"`);
      await put("b");
      await pass(5_000);
      if (again === undefined) {
        assert.deepEqual(uplink.sent(), [["a@1"], ["b@1"]]);
        await pass(3_600_000);
        assert.equal(uplink.calls.length, 2);
        assert.equal(syncer.pending, 1);
        await put("a", `"good"`);
        await pass(5_000);
        assert.deepEqual(uplink.sent().at(-1), ["a@2"]);
      } else {
        for (let call = 1; call <= 3; call++) {
          assert.equal(uplink.calls.length, call);
          assert.deepEqual(clock.sleeping, [again]);
          await pass(again);
        }
        assert.equal(log.lines.length, uplink.calls.length);
        mended = true;
        await pass(again);
      }
      assert.equal(syncer.pending, 0);
    }));
}

Deno.test("a report that found no room is sent again once a deletion is taken", () =>
  inDialect2(async ({ put, pass, uplink, store, syncer }) => {
    const quota = { status: 409, code: "report_quota_exceeded" };
    await put("z");
    await put("y", `"bad"`);
    let full = true;
    uplink.rule = ({ entries, deleted }) => {
      if (deleted.length > 0) full = false;
      if (entries[0]?.payload === `"bad"`) return failure("bad_request");
      return full && entries[0]?.key === "new"
        ? failure("conflict", quota)
        : undefined;
    };
    await put("new");
    await pass(5_000);
    assert.deepEqual(uplink.sent(), [["new@1"], ["y@1"], ["z@1"]]);
    await store.reports.delete("z");
    await pass(5_000);
    await pass(5_000);
    // What was refused for another reason stays where it is.
    assert.deepEqual(uplink.sent().slice(3), [["-z"], ["new@1"]]);
    assert.equal(syncer.pending, 1);
  }));

Deno.test("a transient failure is tried again every 30 seconds", () =>
  inDialect2(async ({ put, pass, uplink, clock }) => {
    uplink.rule = () => failure("unreachable");
    await put("a");
    await put("b");
    await pass(5_000);
    for (let call = 1; call <= 4; call++) {
      assert.equal(uplink.calls.length, call);
      assert.deepEqual(clock.sleeping, [30_000]);
      await pass(30_000);
    }
  }));

Deno.test("a wait for the control plane ends when it is there again", () =>
  inDialect2(async ({ put, pass, uplink, syncer }) => {
    uplink.failures.push(failure("unreachable"));
    await put("a");
    await pass(5_000);
    assert.equal(uplink.calls.length, 1);
    syncer.onContact();
    await pass(0);
    assert.equal(uplink.calls.length, 2);
    assert.equal(syncer.pending, 0);
  }));

for (
  const [why, details] of [
    ["has named a time", { retryAfterMs: 20_000 }],
    ["takes no reports", { status: 501 }],
  ] as const
) {
  Deno.test(`the wait stays when the control plane ${why}`, () =>
    inDialect2(async ({ put, pass, uplink, syncer }) => {
      uplink.failures.push(failure("server", details));
      await put("a");
      await pass(5_000);
      syncer.onContact();
      await pass(10_000);
      assert.equal(uplink.calls.length, 1);
    }));
}

Deno.test("one report that always fails keeps no other back", () =>
  inDialect2(async ({ put, pass, uplink, syncer }) => {
    uplink.rule = ({ entries }) =>
      entries[0]?.key === "a" ? failure("server", { status: 500 }) : undefined;
    for (const key of ["a", "b", "c"]) await put(key);
    await pass(5_000);
    assert.deepEqual(uplink.sent(), [["a@1"], ["b@1"], ["c@1"]]);
    assert.equal(syncer.pending, 1);
    assert.ok(syncer.status.lastError);
    await pass(30_000);
    assert.deepEqual(uplink.sent().slice(3), [["a@1"]]);
  }));
