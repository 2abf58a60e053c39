import assert from "node:assert/strict";
import { openDescriptors } from "../../src/agent/open_descriptors.ts";
import {
  resourceStatus,
  ResourceWatch,
  shortOf,
} from "../../src/agent/resource_watch.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { eventually } from "../scenarios/eventually.ts";

const AT = "2026-03-01T12:00:00.000Z";
const GIB = 1024 ** 3;

const LIMITS =
  "Limit                     Soft Limit           Hard Limit           Units\n" +
  "Max open files            8                    16                   files\n";
const pressure = (some: string) =>
  `some avg10=0.00 avg60=${some} avg300=0.10 total=1\n` +
  "full avg10=0.00 avg60=1.00 avg300=0.05 total=1\n";

interface Watched {
  readonly watch: ResourceWatch;
  readonly log: MemoryLog;
  readonly clock: FakeClock;
  readonly dir: string;
}

async function withProc(
  files: Readonly<Record<string, string>>,
  work: (watched: Watched) => Promise<void>,
) {
  const dir = await Deno.makeTempDir();
  try {
    for (const folder of ["self/fd", "pressure", "cg/group"]) {
      await Deno.mkdir(`${dir}/${folder}`, { recursive: true });
    }
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    const log = new MemoryLog();
    const clock = new FakeClock();
    const watch = new ResourceWatch({
      dataDir: dir,
      descriptors: () =>
        openDescriptors({
          read: (path) => Deno.readTextFile(path.replace("/proc", dir)),
          openDescriptors: () => [...Deno.readDirSync(`${dir}/self/fd`)].length,
        }),
      procDir: dir,
      cgroupDir: `${dir}/cg`,
      io: { clock, random: new FakeRandom(), log },
    });
    await work({ watch, log, clock, dir });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("ResourceWatch tells space, memory and descriptors, of its own control group first", () =>
  withProc({
    "self/limits": LIMITS,
    "self/fd/0": "",
    "self/fd/1": "",
    "self/cgroup": "0::/group\n",
    "cg/group/memory.pressure": pressure("3.25"),
    "pressure/memory": pressure("50.00"),
  }, async ({ watch, log }) => {
    assert.equal(resourceStatus(watch.last), null);
    await watch.look();
    const { disk, ...rest } = watch.last!;
    assert.ok(disk && disk.freeBytes <= disk.totalBytes);
    assert.deepEqual(rest, {
      at: AT,
      memory: { somePercent: 3.25, fullPercent: 1 },
      descriptors: { open: 2, limit: 8 },
    });
    assert.deepEqual(resourceStatus(watch.last)?.memory, {
      some_percent: 3.25,
      full_percent: 1,
    });
    assert.deepEqual(log.lines, []);
  }));

Deno.test("what the machine does not tell is absent, never zero", () =>
  withProc({
    "self/limits": "Max processes 7\n",
    "pressure/memory": "some more\n",
    "self/cgroup": "1:cpu:/\n",
  }, async ({ watch }) => {
    await watch.look();
    const { memory, descriptors } = watch.last!;
    assert.deepEqual([memory, descriptors], [undefined, undefined]);
    const told = resourceStatus(watch.last);
    assert.deepEqual([told?.memory, told?.descriptors], [null, null]);
  }));

Deno.test("a resource that becomes short is told once, and when that is over", () =>
  withProc(
    { "self/limits": LIMITS, "pressure/memory": pressure("9.99") },
    async (
      { watch, log, dir },
    ) => {
      const reads = async (some: string) => {
        await Deno.writeTextFile(`${dir}/pressure/memory`, pressure(some));
        await watch.look();
      };
      await watch.look();
      assert.equal(log.lines.length, 0);
      await reads("10.00");
      await reads("99.00");
      await reads("0.00");
      assert.deepEqual(
        log.lines.map(({ level, fields }) => `${level} ${fields["resource"]}`),
        ["warn memory", "info memory"],
      );
    },
  ));

Deno.test("ResourceWatch looks at the start and every minute", () =>
  withProc({}, async ({ watch, clock }) => {
    const stop = new AbortController();
    const done = watch.run(stop.signal);
    const waits = () => clock.sleeping.length > 0 || undefined;
    await eventually("the first look is over", waits);
    assert.equal(watch.last?.at, AT);
    await clock.advance(60_000);
    await eventually("the second look is over", waits);
    assert.equal(watch.last?.at, "2026-03-01T12:01:00.000Z");
    stop.abort();
    await done;
  }));

Deno.test("shortOf() names what is short, as documented", () => {
  const disk = (freeBytes: number, totalBytes: number) =>
    shortOf({ at: AT, disk: { freeBytes, totalBytes } });
  assert.deepEqual(disk(6 * GIB, 1000 * GIB), []);
  assert.deepEqual(disk(0.9 * GIB, 10 * GIB), []);
  assert.deepEqual(disk(0.4 * GIB, 10 * GIB), ["disk"]);
  assert.deepEqual(disk(64 * 1024 ** 2 - 1, 0.1 * GIB), ["disk"]);
  const open = (count: number) =>
    shortOf({ at: AT, descriptors: { open: count, limit: 100 } });
  assert.deepEqual(open(79), []);
  assert.deepEqual(open(80), ["descriptors"]);
  assert.deepEqual(shortOf({ at: AT }), []);
});
