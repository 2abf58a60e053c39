import assert from "node:assert/strict";
import { countedDisk } from "../../src/agent/counted_disk.ts";
import { type Disk, systemDisk } from "../../src/store/disk.ts";
import { metricsText } from "../../src/wire/prometheus.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { parseExposition } from "../node_api/metrics/exposition.ts";

Deno.test("countedDisk() counts and times what is made durable, and what is not", async () => {
  const clock = new FakeClock();
  const dir = await Deno.makeTempDir({ prefix: "plexd-counted-" });
  try {
    const failing: Disk = {
      ...systemDisk,
      create: async (path, bytes) => {
        await clock.advance(20);
        if (path.endsWith("/full")) throw new Error("ENOSPC");
        await systemDisk.create(path, bytes);
      },
    };
    const { disk, figures } = countedDisk(failing, clock);
    await disk.create(`${dir}/a`, new Uint8Array(100));
    disk.createNow(`${dir}/log`, new Uint8Array(10));
    await assert.rejects(disk.create(`${dir}/full`, new Uint8Array(1_000)));
    assert.throws(() => disk.createNow(`${dir}/a`, new Uint8Array(1_000)));
    const log = disk.openLog(`${dir}/log`);
    await log.write(0, new Uint8Array(5));
    log.close();
    const folder = disk.openFolder(dir);
    folder.syncNow();
    await folder.sync();
    folder.close();
    assert.equal(disk.read(`${dir}/a`).length, 100);

    const families = parseExposition(metricsText(figures()));
    const samples = [...families.values()].flatMap(({ samples }) => samples);
    const found = samples
      .filter(({ name, labels }) =>
        !name.endsWith("_bucket") || labels["le"] === "0.01"
      )
      .map(({ name, labels, value }) => [
        name.replace("plexd_store_", ""),
        labels["operation"],
        value,
      ]);
    assert.deepEqual(found, [
      ["write_duration_seconds_bucket", "file", 1],
      ["write_duration_seconds_sum", "file", 0.02],
      ["write_duration_seconds_count", "file", 2],
      ["write_duration_seconds_bucket", "log", 1],
      ["write_duration_seconds_sum", "log", 0],
      ["write_duration_seconds_count", "log", 1],
      ["write_duration_seconds_bucket", "folder", 2],
      ["write_duration_seconds_sum", "folder", 0],
      ["write_duration_seconds_count", "folder", 2],
      ["write_failures_total", "file", 2],
      ["write_failures_total", "folder", 0],
      ["write_failures_total", "log", 0],
      ["written_bytes_total", undefined, 115],
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
