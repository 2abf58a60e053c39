import assert from "node:assert/strict";
import { openMembership } from "../../src/store/membership.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import {
  CorruptIdentityError,
  StoreOpenError,
} from "../../src/store/store_errors.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { filesBelow, fillStore, IDENTITY } from "./full_store.ts";
import { copyFolder, entry, inFolder, openStore } from "./open_store.ts";

const key = await sealKeyFrom(new Uint8Array(32).fill(7), "file");

function openCluster(dataDir: string, cluster: string) {
  return openMembership({
    dataDir,
    cluster,
    seal: key,
    clock: new FakeClock(),
    random: new FakeRandom(),
    log: new MemoryLog(),
  });
}

Deno.test("fresh install creates expected namespace layout", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await store.close();
    const folders: string[] = [];
    const walk = (path: string, name: string) => {
      for (const one of Deno.readDirSync(path)) {
        const inner = name === "" ? one.name : `${name}/${one.name}`;
        const { mode } = Deno.statSync(`${path}/${one.name}`);
        const wanted = one.isDirectory ? 0o700 : 0o600;
        assert.equal((mode ?? 0) & 0o777, wanted, inner);
        if (!one.isDirectory) continue;
        folders.push(inner);
        walk(`${path}/${one.name}`, inner);
      }
    };
    walk(dataDir, "");
    assert.deepEqual(
      folders.sort(),
      [
        "clusters",
        "clusters/default",
        ...[
          "executions",
          "health",
          "identity",
          "peers",
          "requests",
          "routes",
          "services",
          "snapshots",
          "state",
          "state/.damaged",
          "state/data",
          "state/report",
          "sync",
          "telemetry",
          "tmp",
          "trust",
          "updates",
        ].map((name) => `clusters/default/${name}`),
      ],
    );
  }));

Deno.test("corrupted active identity fails closed", () =>
  inFolder(async (sound) => {
    await fillStore(sound);
    const root = `${sound}/clusters/default`;
    const files = [
      "identity/identity.json",
      "identity/private_key.sealed",
      "identity/node_secret_key.sealed",
    ];
    for (const file of files) {
      const bytes = Deno.readFileSync(`${root}/${file}`);
      for (let at = 0; at < bytes.length; at += 41) {
        await inFolder(async (dataDir) => {
          copyFolder(sound, dataDir);
          const damaged = bytes.slice();
          damaged[at]! ^= 0x10;
          const path = `${dataDir}/clusters/default/${file}`;
          Deno.writeFileSync(path, damaged);
          const { store } = await openStore(dataDir);
          await assert.rejects(
            store.identity.load(),
            (error: Error) =>
              error instanceof CorruptIdentityError &&
              error.message.includes(file) &&
              error.message.includes("plexd join --force"),
          );
          // Reports are kept, and nothing has been done about the identity.
          assert.equal(store.reports.view.entries.size, 2);
          await store.close();
          assert.deepEqual(Deno.readFileSync(path), damaged);
        });
      }
    }
  }));

Deno.test("multi-cluster namespaces stay isolated", () =>
  inFolder(async (dataDir) => {
    const a = await openCluster(dataDir, "a");
    await a.identity.save(IDENTITY);
    await a.state.update(() => ({
      data: [entry("of-a")],
      metadata: new Map([["of", "a"]]),
    }));
    await a.reports.put("of-a", { contentType: "a/b", payload: "1" });
    await a.trust.save({ current: "a", retired: [], signedChange: true });
    const before = filesBelow(a.paths.root);

    // Both at once: each has a lock of its own.
    const b = await openCluster(dataDir, "b");
    assert.equal(await b.identity.load(), undefined);
    assert.equal(b.trust.load(), undefined);
    assert.equal(b.state.view.data.size, 0);
    assert.equal(b.state.view.metadata.size, 0);
    assert.equal(b.reports.view.entries.size, 0);
    await b.reports.put("of-a", { contentType: "a/b", payload: "2" });
    await b.state.update(() => ({ data: [entry("of-b")] }));
    await b.forgetNode();
    await b.close();
    assert.deepEqual(filesBelow(a.paths.root), before);
    assert.equal(a.reports.get("of-a")?.payload, "1");
    await a.close();

    // A key that is moved over does not open there.
    const file = "identity/private_key.sealed";
    const roots = [a.paths.root, b.paths.root] as const;
    for (
      const name of [
        file,
        "identity/identity.json",
        "identity/node_secret_key.sealed",
      ]
    ) Deno.copyFileSync(`${roots[0]}/${name}`, `${roots[1]}/${name}`);
    const thief = await openCluster(dataDir, "b");
    await assert.rejects(thief.identity.load(), CorruptIdentityError);
    await thief.close();

    // Nor does a link lead from one to the other.
    Deno.removeSync(`${roots[1]}/trust`, { recursive: true });
    Deno.symlinkSync(`${roots[0]}/trust`, `${roots[1]}/trust`);
    await assert.rejects(openCluster(dataDir, "b"), StoreOpenError);
  }));
