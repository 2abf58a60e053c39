import assert from "node:assert/strict";
import type { Identity } from "../../src/store/identity.ts";
import { readMembership } from "../../src/store/read_membership.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, openStore } from "./open_store.ts";

const identity: Identity = {
  nodeId: "node-1",
  meshIp: "10.0.0.1",
  domainId: "domain-1",
  dialect: 1,
  controlPlane: "https://control.example",
  enrolledAt: "2026-03-01T12:00:00Z",
  publicKey: "old-public",
  privateKey: new Uint8Array(32).fill(1),
  nodeSecretKey: "canary-node-secret",
  signingPublicKey: "signing",
};
const pair = {
  publicKey: "new-public",
  privateKey: new TextEncoder().encode("canary-private-key-canary-privat"),
};

Deno.test("a confirmed key is the node's after a restart, and the rest of its identity stays", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.identity.save(identity);
    await store.keyRotation.prepare(pair);
    assert.deepEqual(await store.identity.load(), identity);
    assert.equal(store.keyRotation.confirm(), true);
    const next = { ...identity, ...pair };
    assert.deepEqual(await store.identity.load(), next);
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(await again.store.identity.load(), next);
    assert.deepEqual(again.store.keyRotation.record, {
      lastAt: "2026-03-01T12:00:00.000Z",
    });
    assert.deepEqual(again.recovered, []);
    await again.store.close();
    const read = readMembership({ dataDir: dir, cluster: "default" });
    assert.equal(read?.identity?.publicKey, "new-public");
  }));

Deno.test("a key that is to take over survives a restart, sealed", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.identity.save(identity);
    await store.keyRotation.prepare(pair);
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(await again.store.keyRotation.pending(), {
      publicKey: "new-public",
      since: "2026-03-01T12:00:00.000Z",
      confirmed: false,
    });
    for (const { name } of Deno.readDirSync(store.paths.identity)) {
      const path = `${store.paths.identity}/${name}`;
      assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600, name);
      const text = Deno.readTextFileSync(path);
      assert.ok(!text.includes("canary"), name);
      assert.ok(!text.includes(pair.privateKey.toBase64()), name);
    }
    again.store.keyRotation.drop();
    assert.equal(await again.store.keyRotation.pending(), undefined);
    assert.deepEqual(await again.store.identity.load(), identity);
    await again.store.close();
  }));

const newcomers = [
  { name: "another node", change: { nodeId: "node-2" } },
  { name: "the same node with another key", change: { publicKey: "other" } },
];
for (const { name, change } of newcomers) {
  Deno.test(`a key that was to take over is forgotten once the folder holds ${name}`, () =>
    inFolder(async (dir) => {
      const { store } = await openStore(dir);
      await store.identity.save(identity);
      await store.keyRotation.prepare(pair);
      const newcomer = { ...identity, ...change };
      await store.identity.save(newcomer);
      assert.equal(store.keyRotation.confirm(), false);
      assert.equal(await store.keyRotation.pending(), undefined);
      assert.deepEqual(await store.identity.load(), newcomer);
      await store.close();
    }));
}

Deno.test("a switch that stopped half-way leaves another identity alone", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    await store.identity.save(identity);
    await store.keyRotation.prepare(pair);
    // Decided on, but the first file to follow cannot be written.
    disk.plan({ at: 2, only: "create", then: "go_on" });
    assert.throws(() => store.keyRotation.confirm(), StoreWriteError);
    const newcomer = { ...identity, nodeId: "node-2" };
    await store.identity.save(newcomer);
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(await again.store.identity.load(), newcomer);
    assert.deepEqual(again.store.keyRotation.record, {});
    await again.store.close();
  }));

Deno.test("confirm() that failed on the way is finished by the next one", () =>
  inFolder(async (dir) => {
    for (let at = 1; at <= 3; at++) {
      const disk = new CrashDisk();
      const { store } = await openStore(`${dir}/${at}`, disk);
      await store.identity.save(identity);
      await store.keyRotation.prepare(pair);
      disk.plan({ at, only: "rename", then: "go_on" });
      assert.throws(() => store.keyRotation.confirm(), StoreWriteError);
      const pending = await store.keyRotation.pending();
      assert.equal(pending?.confirmed, at > 1, `rename ${at}`);
      assert.equal(store.keyRotation.confirm(), true);
      assert.deepEqual(await store.identity.load(), { ...identity, ...pair });
      assert.equal(store.keyRotation.record.pending, undefined);
      await store.close();
    }
  }));

Deno.test("a damaged record is copied, told and remembered, and the present key stays", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.identity.save(identity);
    await store.keyRotation.prepare(pair);
    await store.close();
    const path = `${store.paths.identity}/rotation.json`;
    const bytes = Deno.readFileSync(path);
    bytes[30]! ^= 1;
    Deno.writeFileSync(path, bytes);
    const again = await openStore(dir);
    assert.deepEqual(again.recovered.map(({ file }) => file), [
      "identity/rotation.json",
    ]);
    assert.equal(await again.store.keyRotation.pending(), undefined);
    assert.deepEqual(await again.store.identity.load(), identity);
    await again.store.close();
    const later = await openStore(dir);
    assert.deepEqual(later.recovered, []);
    assert.equal(later.store.keyRotation.record.isLost, true);
    await later.store.keyRotation.prepare(pair);
    assert.equal(later.store.keyRotation.record.isLost, undefined);
    await later.store.close();
  }));

Deno.test("no crash while a damaged record is found has that forgotten", () =>
  inFolder(async (dir) => {
    for (let at = 1, reached = true; reached; at++) {
      const folder = `${dir}/${at}`;
      const { store } = await openStore(folder);
      await store.identity.save(identity);
      await store.keyRotation.prepare(pair);
      await store.close();
      Deno.truncateSync(`${store.paths.identity}/rotation.json`, 100);
      const disk = new CrashDisk({ at, then: "end" });
      await openStore(folder, disk).then(({ store }) => store.close())
        .catch(() => {});
      reached = disk.reached;
      const later = await openStore(folder);
      assert.equal(later.store.keyRotation.record.isLost, true, `step ${at}`);
      await later.store.close();
    }
  }));
