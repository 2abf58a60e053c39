import assert from "node:assert/strict";
import type { DataEntry } from "../../src/wire/data_entry.ts";
import { settle } from "../fakes/fake_clock.ts";
import { CrashDisk } from "../store/crash_disk.ts";
import { inFolder } from "../store/open_store.ts";
import { failure, type Running, whileSyncing } from "./syncing.ts";

const forEver = new AbortController().signal;

/** Writes a report and begins to wait for it, as a program does. */
async function putAndWait(
  { store, syncer }: Running,
  key: string,
  payload = "1",
  signal: AbortSignal = forEver,
) {
  const content = { contentType: "text/plain", payload };
  const entry = await store.reports.put(key, content);
  return syncer.wait(key, entry, signal);
}

function seen<Value>(promise: Promise<Value>): { value: Value | undefined } {
  const box: { value: Value | undefined } = { value: undefined };
  promise.then((value) => box.value = value);
  return box;
}

Deno.test("a wait cuts the quiet time short, and ends when the control plane has it", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { pass, uplink, syncer, store } = running;
      const done = putAndWait(running, "a");
      await pass(0);
      assert.equal(await done, "synced");
      assert.deepEqual(uplink.sent(), [["a@1"]]);
      assert.deepEqual(syncer.stateOf(store.reports.get("a")!), {
        state: "synced",
        atMs: store.reports.get("a") && Date.parse("2026-03-01T12:00:00Z"),
      });
    })
  ));

Deno.test("a wait that begins during a quiet time takes along what is waiting already", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { put, pass, uplink } = running;
      await put("early");
      await pass(1_000);
      assert.deepEqual(uplink.sent(), []);
      const done = putAndWait(running, "late");
      await pass(0);
      assert.equal(await done, "synced");
      assert.deepEqual(uplink.sent(), [["early@1", "late@1"]]);
    })
  ));

Deno.test("many that wait share one call", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { pass, uplink } = running;
      const gate = Promise.withResolvers<void>();
      uplink.meanwhile = () => gate.promise;
      const first = putAndWait(running, "first");
      await pass(0);
      const keys = Array.from({ length: 50 }, (_, at) => `key-${at + 10}`);
      const rest = keys.map((key) => putAndWait(running, key));
      await pass(0);
      gate.resolve();
      await pass(0);
      assert.deepEqual(
        new Set(await Promise.all([first, ...rest])),
        new Set(["synced"]),
      );
      assert.ok(uplink.calls.length <= 2, `${uplink.calls.length} calls`);
    })
  ));

Deno.test("a wait is not answered by an older write of the key that was on its way already", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { put, pass, uplink } = running;
      const gate = Promise.withResolvers<void>();
      uplink.meanwhile = () => gate.promise;
      await put("a");
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["a@1"]]);
      const done = seen(putAndWait(running, "a", "2"));
      await pass(0);
      assert.equal(done.value, undefined);
      gate.resolve();
      await pass(0);
      assert.equal(done.value, "synced");
      assert.deepEqual(uplink.sent(), [["a@1"], ["a@2"]]);
    })
  ));

Deno.test("a wait ends with a later write of the key, however often it is written", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { put, pass, uplink } = running;
      uplink.failures.push(failure("unreachable"));
      const done = seen(putAndWait(running, "a"));
      await pass(0);
      assert.equal(done.value, undefined);
      await put("a", "2");
      await pass(5_000);
      assert.equal(done.value, "synced");
      assert.deepEqual(uplink.sent(), [["a@1"], ["a@2"]]);
    })
  ));

Deno.test("a wait for what is deleted before anybody heard of it ends", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { store, pass, uplink } = running;
      uplink.failures.push(failure("unreachable"));
      const done = seen(putAndWait(running, "a"));
      await pass(0);
      await store.reports.delete("a");
      await pass(5_000);
      assert.equal(done.value, "synced");
    })
  ));

Deno.test("a wait for a deletion ends when the control plane has forgotten the report", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { store, syncer, pass, uplink } = running;
      const written = putAndWait(running, "a");
      await pass(0);
      await written;
      await store.reports.delete("a");
      const done = syncer.wait("a", undefined, forEver);
      await pass(0);
      assert.equal(await done, "synced");
      assert.deepEqual(uplink.sent(), [["a@1"], ["-a"]]);
      assert.equal(await syncer.wait("never", undefined, forEver), "synced");
    })
  ));

Deno.test("a wait does not shorten the pause after a failure, but contact does", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { put, pass, uplink, syncer } = running;
      uplink.rule = () => failure("unreachable");
      await put("a");
      await pass(5_000);
      assert.equal(uplink.calls.length, 1);
      const done = seen(putAndWait(running, "b"));
      await pass(4_999);
      assert.equal(uplink.calls.length, 1);
      assert.equal(done.value, undefined);
      uplink.rule = () => undefined;
      syncer.onContact();
      await pass(0);
      assert.equal(done.value, "synced");
    })
  ));

Deno.test("a wait ends at its signal, and nobody waits any more", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { pass, uplink } = running;
      uplink.rule = () => failure("unreachable");
      const gone = new AbortController();
      const done = putAndWait(running, "a", "1", gone.signal);
      await pass(0);
      gone.abort();
      assert.equal(await done, "pending");
      // The next change settles again, as nobody is in a hurry.
      uplink.rule = () => undefined;
      await pass(5_000);
      const calls = uplink.calls.length;
      await running.put("b");
      await pass(4_999);
      assert.equal(uplink.calls.length, calls);
    })
  ));

Deno.test("waits end when the agent stops, and none begins afterwards", () =>
  inFolder(async (dir) => {
    let left: Promise<string> | undefined;
    let running: Running | undefined;
    let entry: DataEntry | undefined;
    await whileSyncing(dir, async (it) => {
      running = it;
      it.uplink.rule = () => failure("unreachable");
      left = putAndWait(it, "a");
      await it.pass(0);
      entry = it.store.reports.get("a");
    });
    assert.equal(await left, "pending");
    assert.equal(await running?.syncer.wait("a", entry, forEver), "pending");
  }));

Deno.test("a refused report ends the wait at once, and its state says why and when", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { pass, uplink, syncer, store, clock } = running;
      uplink.rule = () => failure("bad_request");
      const done = putAndWait(running, "a");
      await pass(0);
      assert.equal(await done, "refused");
      assert.deepEqual(syncer.stateOf(store.reports.get("a")!), {
        state: "refused",
        atMs: clock.now(),
        error: "Failed: bad_request",
      });
      assert.equal(syncer.counts.refused, 1);
      // Another text is another chance.
      uplink.rule = () => undefined;
      const again = putAndWait(running, "a", "2");
      await pass(0);
      assert.equal(await again, "synced");
    })
  ));

Deno.test("reports that dialect 2 cannot carry are not waited for", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { uplink, syncer } = running;
      assert.equal(await putAndWait(running, "Not A Key"), "local_only");
      const large = JSON.stringify("x".repeat(5_000));
      assert.equal(await putAndWait(running, "large", large), "local_only");
      await settle();
      assert.deepEqual(uplink.sent(), []);
      assert.equal(syncer.counts.local_only, 2);
    }, { dialect: 2 })
  ));

Deno.test("a control plane that takes no reports ends waits, and new ones are not made to wait", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { pass, uplink, syncer } = running;
      uplink.rule = () => failure("server", { status: 501 });
      const done = putAndWait(running, "a");
      await pass(0);
      assert.equal(await done, "suspended");
      assert.equal(await putAndWait(running, "b"), "suspended");
      assert.equal(uplink.calls.length, 1);
      uplink.rule = () => undefined;
      await pass(300_000);
      assert.deepEqual(syncer.counts, {
        synced: 2,
        pending: 0,
        suspended: 0,
        refused: 0,
        local_only: 0,
      });
    }, { dialect: 2 })
  ));

Deno.test("what was synced, and when, is known after a restart", () =>
  inFolder(async (dir) => {
    let atMs: number | undefined;
    await whileSyncing(dir, async (running) => {
      const done = putAndWait(running, "a");
      await running.pass(0);
      await done;
      atMs = running.syncer.stateOf(running.store.reports.get("a")!).atMs;
      assert.ok(atMs);
    });
    await whileSyncing(dir, ({ syncer, store }) => {
      const { state, atMs: known } = syncer.stateOf(store.reports.get("a")!);
      assert.deepEqual([state, known], ["synced", atMs]);
      return Promise.resolve();
    });
  }));

Deno.test("a report that may have arrived is deleted upstream when it goes, though no answer came", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { store, pass, uplink } = running;
      uplink.failures.push(failure("timeout"));
      await running.put("a");
      await pass(5_000);
      await store.reports.delete("a");
      await pass(60_000);
      assert.deepEqual(uplink.sent(), [["a@1"], ["-a"]]);
    })
  ));

Deno.test("a report that may have arrived is deleted upstream also after a restart", () =>
  inFolder(async (dir) => {
    await whileSyncing(dir, async (running) => {
      const { store, pass, uplink } = running;
      uplink.failures.push(failure("timeout"));
      await running.put("a");
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["a@1"]]);
      await store.reports.delete("a");
    });
    await whileSyncing(dir, async ({ pass, uplink, syncer }) => {
      assert.equal(syncer.pending, 1);
      await pass(5_000);
      assert.deepEqual(uplink.sent(), [["-a"]]);
    });
    await whileSyncing(dir, async ({ pass, uplink }) => {
      await pass(60_000);
      assert.deepEqual(uplink.sent(), []);
    });
  }));

Deno.test("a report goes up although it cannot be stored that it does", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    await whileSyncing(
      dir,
      async ({ pass, put, uplink, syncer }) => {
        await put("a");
        disk.plan({ at: 1, then: "go_on", code: "ENOSPC" });
        await pass(5_000);
        assert.deepEqual(uplink.sent(), [["a@1"]]);
        assert.equal(syncer.pending, 0);
      },
      {},
      disk,
    );
  }));

Deno.test("a report that was refused by the control plane itself need not be deleted there", () =>
  inFolder((dir) =>
    whileSyncing(dir, async (running) => {
      const { store, pass, uplink } = running;
      uplink.failures.push(failure("forbidden", { status: 403 }));
      await running.put("a");
      await pass(5_000);
      await store.reports.delete("a");
      await pass(60_000);
      assert.deepEqual(uplink.sent(), [["a@1"]]);
    })
  ));
