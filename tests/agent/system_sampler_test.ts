import assert from "node:assert/strict";
import { SystemSampler } from "../../src/agent/system_sampler.ts";
import { systemDataSchema } from "../../src/wire/bodies.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const MIB = 2 ** 20;

async function withProc(
  files: Readonly<Record<string, string>>,
  work: (sampler: SystemSampler, log: MemoryLog, dir: string) => Promise<void>,
) {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/self/net`, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    const log = new MemoryLog();
    const io = { clock: new FakeClock(), random: new FakeRandom(), log };
    const sampler = new SystemSampler({ dataDir: dir, procDir: dir, io });
    await work(sampler, log, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const FILES = {
  stat: "cpu  10 0 0 90\n",
  meminfo: "MemTotal: 4096 kB\nMemAvailable: 1024 kB\n",
  "self/net/dev":
    "  lo: 7 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\neth0: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n",
};

Deno.test("SystemSampler tells load since the last sample, and what is used", () =>
  withProc(FILES, async (sampler, log, dir) => {
    const [first] = await sampler.sample();
    assert.equal(first?.timestamp, "2026-03-01T12:00:00.000Z");
    const { disk_used_bytes = 0, disk_total_bytes = 0, ...rest } = first.data;
    assert.ok(disk_used_bytes > 0 && disk_used_bytes <= disk_total_bytes);
    assert.deepEqual(rest, {
      memory_used_bytes: 3 * MIB,
      memory_total_bytes: 4 * MIB,
      network_rx_bytes: 5,
      network_tx_bytes: 6,
    });
    await Deno.writeTextFile(`${dir}/stat`, "cpu  40 0 0 160\n");
    const [second] = await sampler.sample();
    assert.equal(second?.data.cpu_usage_percent, 30);
    assert.deepEqual(log.lines, []);
  }));

Deno.test("SystemSampler leaves out what is hidden, and says so once", () =>
  withProc({ meminfo: FILES.meminfo, stat: "?" }, async (sampler, log) => {
    for (let n = 0; n < 3; n++) {
      const [sample] = await sampler.sample();
      assert.deepEqual(Object.keys(sample?.data ?? {}).sort(), [
        "disk_total_bytes",
        "disk_used_bytes",
        "memory_total_bytes",
        "memory_used_bytes",
      ]);
    }
    const missing = log.lines.map(({ fields }) => fields["metric"]);
    assert.deepEqual(missing.sort(), ["cpu", "network"]);
  }));

Deno.test("SystemSampler gives no sample where nothing can be read", async () => {
  const log = new MemoryLog();
  const io = { clock: new FakeClock(), random: new FakeRandom(), log };
  const nowhere = "/nonexistent/plexd";
  const sampler = new SystemSampler({ dataDir: nowhere, procDir: nowhere, io });
  assert.deepEqual(await sampler.sample(), []);
  assert.deepEqual(await sampler.sample(), []);
  assert.equal(log.lines.length, 4);
});

Deno.test({
  name: "SystemSampler reads what this kernel writes",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const log = new MemoryLog();
    const io = { clock: new FakeClock(), random: new FakeRandom(), log };
    const sampler = new SystemSampler({ dataDir: "/tmp", io });
    const [sample] = await sampler.sample();
    const data = systemDataSchema.parse(sample?.data);
    assert.ok((data.memory_total_bytes ?? 0) > MIB);
    assert.ok((data.disk_total_bytes ?? 0) > MIB);
    assert.deepEqual(log.lines, []);
  },
});

Deno.test("SystemSampler asks the runtime where it may open no file of the kernel", async () => {
  const log = new MemoryLog();
  const sampler = new SystemSampler({
    dataDir: "/tmp",
    readText: () =>
      Promise.reject(new Deno.errors.NotCapable("Requires all access")),
    io: { clock: new FakeClock(), random: new FakeRandom(), log },
  });
  const [sample] = await sampler.sample();
  const { memory_used_bytes = 0, memory_total_bytes = 0 } = sample?.data ?? {};
  assert.ok(memory_used_bytes > 0);
  assert.ok(memory_used_bytes < memory_total_bytes);
  assert.equal(sample?.data.network_rx_bytes, undefined);
  assert.deepEqual(log.lines.map(({ fields }) => fields), [
    { metric: "network", error: "this process may not look there" },
  ]);
});
