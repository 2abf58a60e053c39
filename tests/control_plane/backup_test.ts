import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { backUp } from "../../src/control_plane/backup.ts";
import { createControlPlane } from "../../src/control_plane/control_plane.ts";
import { StorageError } from "../../src/control_plane/storage/storage.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { runPlexd } from "../cli/run_plexd.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { RunningPlane } from "./running_plane.ts";

async function withFolder(work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "plexd-backup-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const modeOf = (path: string) => Deno.statSync(path).mode! & 0o777;

Deno.test("a backup of a server under load holds one moment, and restores", async () => {
  await withFolder(async (folder) => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    await node.admin("PUT", "/secrets/k", { value: "hush" });
    await node.admin("PUT", "/metadata/a", { value: "0" });
    await node.admin("PUT", "/metadata/b", { value: "0" });
    let stop = false;
    let written = 0;
    const load = (async () => {
      while (!stop) {
        written++;
        for (const key of ["a", "b"]) {
          await node.admin("PUT", `/metadata/${key}`, {
            value: String(written),
          });
        }
      }
    })();
    const path = `${folder}/cp.db`;
    const { code, stderr, stdout } = await runPlexd([
      "admin",
      "backup",
      path,
      "--data-dir",
      plane.dataDir,
      "--include-keys",
    ]).finally(() => stop = true);
    await load;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^1 node, schema \d+, in /);
    assert.ok(written > 1, "there was no load");
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(files, [
      "cp.db",
      "cp.db.admin-token",
      "cp.db.master-key",
    ]);
    for (const name of files) assert.equal(modeOf(`${folder}/${name}`), 0o600);

    // As the runbook says: a new folder, the copy, the keys, a new epoch.
    const restored = `${folder}/data`;
    await Deno.mkdir(restored, { mode: 0o700 });
    await Deno.rename(path, `${restored}/control-plane.db`);
    await Deno.rename(`${path}.master-key`, `${restored}/master-key`);
    await Deno.rename(`${path}.admin-token`, `${restored}/admin-token`);
    const server = await createControlPlane({
      dataDir: restored,
      listen: { hostname: "127.0.0.1", port: 0 },
      newEpoch: true,
      version: "1.2.3",
      io: {
        clock: new FakeClock(),
        random: systemRandom,
        log: new MemoryLog(),
      },
    });
    const stopping = new AbortController();
    const running = server.run(stopping.signal);
    const ask = async (at: string, bearer: string) => {
      const answer = await fetch(server.url + at, {
        headers: { authorization: `Bearer ${bearer}` },
      });
      return await answer.json();
    };
    const state = await ask(`/v1/nodes/${node.id}/state`, node.secretKey);
    const before = await node.call("GET", "/state");
    assert.ok(state.epoch > Number(before.json["epoch"]));
    const { a, b } = state.metadata as Record<string, string>;
    assert.ok(Number(a) - Number(b) === 0 || Number(a) - Number(b) === 1);
    const secret = `/v1/nodes/${node.id}/secrets/k`;
    assert.equal((await ask(secret, node.secretKey)).version, 1);
    const { nodes } = await ask("/admin/v1/nodes", plane.adminToken);
    assert.equal(nodes.length, 1);
    stopping.abort();
    await running;
  });
});

Deno.test("without --include-keys nothing that opens secrets is written", async () => {
  await withFolder(async (folder) => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    await node.admin("PUT", "/secrets/k", { value: "hush-hush" });
    const path = `${folder}/cp.db`;
    const { files } = await backUp({ dataDir: plane.dataDir, path });
    assert.deepEqual(files, [path]);
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    for (
      const secret of [
        "hush-hush",
        node.secretKey,
        plane.adminToken,
        Deno.readTextFileSync(`${plane.dataDir}/master-key`).trim(),
      ]
    ) assert.ok(!text.includes(secret));
  });
});

Deno.test("a backup replaces nothing, and one that fails leaves nothing", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/cp.db`;
    await assert.rejects(backUp({ dataDir: folder, path }), StorageError);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    await Deno.writeTextFile(`${folder}/control-plane.db`, "no database");
    await assert.rejects(backUp({ dataDir: folder, path }), StorageError);
    const empty = new DatabaseSync(`${folder}/empty.db`);
    empty.close();
    await Deno.rename(`${folder}/empty.db`, `${folder}/control-plane.db`);
    await assert.rejects(backUp({ dataDir: folder, path }), StorageError);
    await Deno.writeTextFile(path, "older");
    await assert.rejects(
      backUp({ dataDir: folder, path }),
      Deno.errors.AlreadyExists,
    );
    assert.equal(await Deno.readTextFile(path), "older");
  });
});

Deno.test("a backup neither replaces nor removes the key of an older one", async () => {
  await withFolder(async (folder) => {
    await using plane = await RunningPlane.start();
    const key = `${folder}/cp.db.master-key`;
    Deno.writeTextFileSync(key, "the only copy");
    const { code, stderr } = await runPlexd([
      "admin",
      "backup",
      `${folder}/cp.db`,
      "--data-dir",
      plane.dataDir,
      "--include-keys",
    ]);
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${key} is there already`), stderr);
    assert.equal(Deno.readTextFileSync(key), "the only copy");
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [
      "cp.db.master-key",
    ]);
  });
});
