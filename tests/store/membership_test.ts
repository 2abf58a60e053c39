import assert from "node:assert/strict";
import { openMembership } from "../../src/store/membership.ts";
import { readMembership } from "../../src/store/read_membership.ts";
import { SealKeyError } from "../../src/store/store_errors.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { entry, inFolder, openStore } from "./open_store.ts";

const mode = (path: string) => (Deno.lstatSync(path).mode ?? 0) & 0o777;

Deno.test("openMembership() makes folders that only the owner may enter", () =>
  inFolder(async (dir) => {
    const dataDir = `${dir}/a/b`;
    const { store } = await openStore(dataDir);
    const { root } = store.paths;
    assert.equal(root, `${dataDir}/clusters/default`);
    const inner = ["", "/identity", "/trust", "/state", "/state/data", "/tmp"];
    for (const name of inner) assert.equal(mode(root + name), 0o700, name);
    assert.equal(mode(dataDir), 0o700);
    assert.equal(mode(`${root}/lock`), 0o600);
    await store.state.update(() => ({ data: [entry("k")] }));
    assert.equal(mode(`${root}/state/data/k.json`), 0o600);
    await store.close();
  }));

Deno.test("openMembership() narrows folders that others may enter", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.close();
    Deno.chmodSync(store.paths.identity, 0o755);
    const again = await openStore(dir);
    assert.equal(mode(store.paths.identity), 0o700);
    await again.store.close();
  }));

Deno.test("openMembership() refuses a second holder, and says who the first is", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await assert.rejects(openStore(dir), {
      name: "AlreadyRunningError",
      pid: Deno.pid,
    });
    await store.close();
    await (await openStore(dir)).store.close();
  }));

Deno.test("openMembership() works at once after its holder was killed", () =>
  inFolder(async (dir) => {
    const helper = new URL("./hold_store.ts", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", helper, dir],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await assert.rejects(openStore(dir), {
      name: "AlreadyRunningError",
      pid: child.pid,
    });
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    const { store } = await openStore(dir);
    assert.equal(store.reports.get("held")?.payload, "1");
    await store.close();
  }));

Deno.test("openMembership() empties its folder of temporary files", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.close();
    Deno.writeTextFileSync(`${store.paths.tmp}/0`, "half a fi");
    Deno.mkdirSync(`${store.paths.tmp}/folder/deep`, { recursive: true });
    const again = await openStore(dir);
    assert.deepEqual([...Deno.readDirSync(store.paths.tmp)], []);
    await again.store.close();
  }));

const bad = ["", ".", "..", "../x", "a/b", ".hidden", "a\0", "x".repeat(65)];
for (const cluster of bad) {
  Deno.test(`openMembership() refuses the cluster name ${JSON.stringify(cluster)}`, () =>
    inFolder(async (dir) => {
      const options = {
        dataDir: dir,
        cluster,
        seal: () => Promise.reject(new Error("not asked")),
        clock: new FakeClock(),
        random: new FakeRandom(),
        log: new MemoryLog(),
      };
      await assert.rejects(openMembership(options), RangeError);
      assert.deepEqual([...Deno.readDirSync(dir)], []);
    }));
}

Deno.test("openMembership() refuses a folder that is a link to elsewhere", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(`${dir}/store`);
    await store.close();
    Deno.mkdirSync(`${dir}/elsewhere`);
    Deno.removeSync(store.paths.identity);
    Deno.symlinkSync(`${dir}/elsewhere`, store.paths.identity);
    await assert.rejects(openStore(`${dir}/store`), { name: "StoreOpenError" });
    // The lock was let go of again.
    Deno.removeSync(store.paths.identity);
    await (await openStore(`${dir}/store`)).store.close();
  }));

Deno.test("openMembership() says when its folder cannot be made", () =>
  inFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/file`, "");
    await assert.rejects(openStore(`${dir}/file/data`), {
      name: "StoreOpenError",
    });
  }));

Deno.test("openMembership() asks for the seal key, and says whether anything is sealed", () =>
  inFolder(async (dir) => {
    const asked: boolean[] = [];
    const options = {
      dataDir: dir,
      cluster: "default",
      seal: ({ exists }: { exists: boolean }) => {
        asked.push(exists);
        return Promise.reject(new SealKeyError("missing", "no key"));
      },
      clock: new FakeClock(),
      random: new FakeRandom(),
      log: new MemoryLog(),
    };
    await assert.rejects(openMembership(options), { name: "SealKeyError" });
    const { store } = await openStore(dir);
    await store.identity.savePending({
      privateKey: new Uint8Array(32),
      publicKey: "p",
      nonceSeed: "s",
    });
    await store.close();
    await assert.rejects(openMembership(options), { name: "SealKeyError" });
    assert.deepEqual(asked, [false, true]);
  }));

Deno.test("readMembership() tells what is stored beside a running agent, and changes nothing", () =>
  inFolder(async (dir) => {
    assert.equal(
      readMembership({ dataDir: dir, cluster: "default" }),
      undefined,
    );
    const { store } = await openStore(dir);
    const secret = "very-secret-node-key";
    await store.identity.save({
      nodeId: "node-1",
      meshIp: "10.0.0.1",
      dialect: 1,
      controlPlane: "http://127.0.0.1:1",
      enrolledAt: "2026-03-01T12:00:00Z",
      publicKey: "public",
      privateKey: new Uint8Array(32),
      nodeSecretKey: secret,
      signingPublicKey: "signing",
    });
    await store.state.update(() => ({ data: [entry("k")], complete: true }));
    await store.reports.put("r", { contentType: "a/b", payload: "1" });
    Deno.writeTextFileSync(`${store.paths.state}/data/x.json`, "rubbish");
    const read = readMembership({ dataDir: dir, cluster: "default" });
    assert.equal(read?.identity?.nodeId, "node-1");
    assert.deepEqual([...read.state.data.keys()], ["k"]);
    assert.deepEqual([...read.reports.keys()], ["r"]);
    assert.deepEqual(read.faults.map((it) => it.file), ["state/data/x.json"]);
    assert.ok(!JSON.stringify(read).includes(secret));
    Deno.lstatSync(`${store.paths.state}/data/x.json`);
    await store.close();
  }));
