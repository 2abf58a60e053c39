import assert from "node:assert/strict";
import type { Disk } from "../../src/store/disk.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, openStore } from "./open_store.ts";

const AT = "2026-03-01T12:00:00.000Z";

Deno.test("TransitionRing keeps what happened, oldest first, over restarts", () =>
  inFolder(async (dataDir) => {
    const clock = new FakeClock();
    const first = await openStore(dataDir, undefined, clock);
    const { transitions } = first.store;
    assert.deepEqual(transitions.entries, []);
    transitions.note("start", { reason: "plexd 1.2.3" });
    const before = transitions.entries;
    clock.jump(1_000);
    transitions.note("connect", { carrier: "sse" });
    assert.equal(before.length, 1);
    await first.store.close();

    const second = await openStore(dataDir, undefined, clock);
    second.store.transitions.note("stop");
    await second.store.close();

    const third = await openStore(dataDir, undefined, clock);
    assert.deepEqual(third.store.transitions.entries, [
      { type: "start", at: AT, reason: "plexd 1.2.3" },
      { type: "connect", at: "2026-03-01T12:00:01.000Z", carrier: "sse" },
      { type: "stop", at: "2026-03-01T12:00:01.000Z" },
    ]);
    assert.deepEqual(third.recovered, []);
    await third.store.close();
  }));

Deno.test("TransitionRing is bounded: the oldest of 256 entries gives way, reasons end at 256 bytes", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    const long = "\u{1f600}".repeat(1_000);
    for (let at = 0; at < 300; at++) {
      store.transitions.note("degraded", { reason: `${at} ${long}` });
    }
    await store.close();

    const { store: again } = await openStore(dataDir);
    const { entries, capacity } = again.transitions;
    assert.equal(capacity, 256);
    assert.equal(entries.length, 256);
    assert.match(entries[0]?.reason ?? "", /^44 /);
    assert.match(entries.at(-1)?.reason ?? "", /^299 /);
    for (const { reason } of entries) {
      assert.ok(new TextEncoder().encode(reason).length <= 256);
      assert.ok(reason?.isWellFormed());
    }
    await again.close();
  }));

Deno.test("TransitionRing holds no credential, and every reason is one line", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    store.transitions.hide("b3duLXNlY3JldA==");
    store.transitions.note("disconnect", {
      reason: "401 for Bearer abc.def\nkey b3duLXNlY3JldA==",
    });
    await store.close();
    const [entry] = store.transitions.entries;
    assert.equal(entry?.reason, "401 for Bearer [redacted] key [redacted]");
    const file = `${store.paths.health}/transitions.json`;
    assert.doesNotMatch(Deno.readTextFileSync(file), /b3du|abc\.def/);
  }));

Deno.test("every repair is an entry, that of a damaged ring too", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    first.store.transitions.note("start");
    await first.store.close();
    const { paths } = first.store;
    Deno.writeTextFileSync(`${paths.state}/data/torn.json`, "{");
    const file = `${paths.health}/transitions.json`;
    Deno.writeTextFileSync(file, Deno.readTextFileSync(file).slice(0, -2));

    const second = await openStore(dataDir);
    assert.deepEqual(
      second.store.transitions.entries.map(({ type, reason }) =>
        `${type} ${reason?.split(":")[0]}`
      ),
      [
        "recovered health/transitions.json",
        "recovered state/data/torn.json",
      ],
    );
    await second.store.close();

    const third = await openStore(dataDir);
    assert.equal(third.store.transitions.entries.length, 2);
    assert.deepEqual(third.recovered, []);
    await third.store.close();
  }));

Deno.test("a disk that takes nothing costs the ring no entry of this run", () =>
  inFolder(async (dataDir) => {
    const { store, log } = await openStore(dataDir);
    Deno.removeSync(store.paths.tmp);
    store.transitions.note("start");
    await store.close();
    assert.deepEqual(store.transitions.entries, [{ type: "start", at: AT }]);
    assert.ok(log.lines.every(({ level }) => level === "debug"));
  }));

Deno.test("a crash at any step of a write leaves the ring of before or after", () =>
  inFolder(async (dataDir) => {
    let steps = 0;
    for (let at = 1;; at++) {
      const disk: Disk & CrashDisk = new CrashDisk();
      const first = await openStore(dataDir, disk);
      const before = first.store.transitions.entries.length;
      disk.plan({ at, then: "end" });
      first.store.transitions.note("start");
      await first.store.close().catch(() => {});
      const second = await openStore(dataDir);
      const found = second.store.transitions.entries.length - before;
      assert.ok(found === 0 || found === 1, `step ${at}: ${found}`);
      if (!disk.reached) assert.equal(found, 1);
      assert.deepEqual(second.recovered, []);
      await second.store.close();
      if (!disk.reached) break;
      steps = at;
    }
    assert.ok(steps >= 3, `only ${steps} steps were tried`);
  }));
