import assert from "node:assert/strict";
import { backUp } from "../../src/store/backup.ts";
import {
  type Backup,
  BackupError,
  decodeBackup,
  encodeBackup,
} from "../../src/store/backup_file.ts";
import type { Membership } from "../../src/store/membership.ts";
import { restore } from "../../src/store/restore.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { keyIdOf } from "../../src/wire/key_id.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import {
  activateSnapshot,
  filesBelow,
  fillStore,
  IDENTITY,
} from "./full_store.ts";
import { OBSERVED } from "./fill_caches.ts";
import { entry, inFolder, openStore } from "./open_store.ts";

const key = await sealKeyFrom(new Uint8Array(32).fill(7), "file");
const io = { clock: new FakeClock(), random: new FakeRandom() };

async function backupOf(
  dataDir: string,
  includeIdentity = false,
): Promise<Backup> {
  const options = { dataDir, cluster: "default", includeIdentity, key, ...io };
  const backup = await backUp(options);
  assert.ok(backup);
  return decodeBackup(encodeBackup(backup));
}

function restoreTo(dataDir: string, backup: Backup) {
  return restore({
    dataDir,
    cluster: "default",
    backup,
    key,
    open: async () => (await openStore(dataDir)).store,
    ...io,
  });
}

/** A store as it is after a change. */
async function changed<Value>(
  dataDir: string,
  work: (store: Membership) => Promise<Value> | Value,
): Promise<Value> {
  const { store } = await openStore(dataDir);
  const value = await work(store);
  await store.close();
  return value;
}

Deno.test("a backup holds no key of the node unless it is asked for, and then sealed", () =>
  inFolder(async (dataDir) => {
    await fillStore(dataDir);
    const plain = await backupOf(dataDir);
    assert.equal(plain.nodeId, IDENTITY.nodeId);
    const files = [...plain.members.keys()];
    assert.deepEqual(files.filter((file) => file.startsWith("identity/")), [
      "identity/spent-tokens.json",
    ]);
    assert.ok(files.includes("trust/marks.json"));
    assert.ok(files.includes("state/report/disk.json"));
    const whole = await backupOf(dataDir, true);
    assert.ok(whole.members.has("identity/private_key.sealed"));
    const text = new TextDecoder().decode(encodeBackup(whole));
    assert.ok(!text.includes(IDENTITY.nodeSecretKey));
  }));

Deno.test("a backup into an empty membership brings everything back, and marks it", () =>
  inFolder((dataDir) =>
    inFolder(async (empty) => {
      await fillStore(dataDir);
      const { notes } = await restoreTo(empty, await backupOf(dataDir, true));
      assert.deepEqual(notes, []);
      const before = await openStore(dataDir);
      const after = await openStore(empty);
      assert.deepEqual(after.recovered, []);
      const a = before.store;
      const b = after.store;
      assert.deepEqual(await b.identity.load(), IDENTITY);
      assert.deepEqual(b.trust.load(), a.trust.load());
      assert.deepEqual(b.marks.load(), a.marks.load());
      assert.deepEqual(b.trustBundle.load(), a.trustBundle.load());
      assert.deepEqual(b.state.view.data, a.state.view.data);
      assert.deepEqual(b.state.view.services, a.state.view.services);
      assert.equal(b.state.view.services.length, 1);
      assert.deepEqual(b.peerCache.get("n_b"), OBSERVED);
      // Routes are not: they are computed anew.
      assert.deepEqual(b.routes.routes, []);
      assert.deepEqual(b.reports.view.entries, a.reports.view.entries);
      assert.deepEqual(
        b.syncLedger.pending(b.reports.view.entries),
        a.syncLedger.pending(a.reports.view.entries),
      );
      assert.ok(b.events.hasApplied("event-1"));
      assert.ok(b.executions.has("execution-1"));
      assert.deepEqual(b.executions.running, []);
      assert.equal((await b.snapshots.load())?.ref.version, 2);
      assert.equal(b.restored.isPending, true);
      assert.equal(a.restored.isPending, false);
      b.restored.clear();
      await a.close();
      await b.close();
      await changed(empty, (store) => assert.ok(!store.restored.isPending));
    })
  ));

Deno.test("restore lowers no mark, takes back no key, and replaces nothing newer", () =>
  inFolder(async (dataDir) => {
    const keyA = new Uint8Array(32).fill(1).toBase64();
    const keyB = new Uint8Array(32).fill(2).toBase64();
    const retired = [keyIdOf(new Uint8Array(32).fill(1))];
    await fillStore(dataDir);
    await changed(dataDir, (store) =>
      store.trust.save({
        current: keyA,
        retired: ["older"],
        signedChange: false,
      }));
    const backup = await backupOf(dataDir, true);
    const rotated = { ...IDENTITY, publicKey: "rotated" };
    await changed(dataDir, async (store) => {
      await store.trust.save({ current: keyB, retired, signedChange: true });
      await activateSnapshot(store, 7);
      store.marks.save({ ...store.marks.load(), acceptedEpoch: 3 });
      await store.state.update(() => ({
        data: [entry("seven")],
        position: { epoch: 1, version: 7 },
      }));
      await store.events.record([{
        eventId: "event-2",
        type: "t",
        issuedAtMs: 5,
        cursor: "cursor-2",
      }]);
      await store.identity.save(rotated);
    });
    const { notes } = await restoreTo(dataDir, backup);
    assert.match(notes.join(), /state here is kept.*identity here is kept/);
    await changed(dataDir, async (store) => {
      assert.deepEqual(store.trust.load(), {
        current: keyB,
        retired: [...retired, "older"],
        signedChange: true,
      });
      assert.equal(store.marks.load().snapshot?.version, 7);
      assert.equal(store.marks.load().acceptedEpoch, 3);
      assert.equal((await store.snapshots.load())?.ref.version, 7);
      assert.deepEqual([...store.state.view.data.keys()], ["seven"]);
      assert.ok(store.events.hasApplied("event-1"));
      assert.ok(store.events.hasApplied("event-2"));
      assert.equal(store.events.cursor, "cursor-2");
      assert.deepEqual(await store.identity.load(), rotated);
      assert.ok(store.restored.isPending);
    });
  }));

Deno.test("a restore that ends half-way leaves a sound, marked store, and can be done again", () =>
  inFolder((dataDir) =>
    inFolder(async (empty) => {
      await fillStore(dataDir);
      const backup = await backupOf(dataDir, true);
      const halfWay = restore({
        dataDir: empty,
        cluster: "default",
        backup,
        key,
        async open() {
          const { store } = await openStore(empty);
          const fails = () => Promise.reject(new StoreWriteError("it", "full"));
          store.state.update = fails;
          return store;
        },
        ...io,
      });
      await assert.rejects(halfWay, StoreWriteError);
      const between = await openStore(empty);
      assert.deepEqual(between.recovered, []);
      assert.ok(between.store.restored.isPending);
      assert.equal(await between.store.identity.load(), undefined);
      await between.store.close();

      await restoreTo(empty, backup);
      await changed(empty, async (store) => {
        assert.deepEqual(await store.identity.load(), IDENTITY);
        assert.equal(store.reports.view.entries.size, 2);
        assert.equal(store.state.view.data.size, 2);
      });
    })
  ));

Deno.test("restore raises marks that are lower, and keeps revocations of both sides", () =>
  inFolder((dataDir) =>
    inFolder(async (older) => {
      await fillStore(dataDir);
      await fillStore(older);
      const bundle = { roots: ["root"], signedText: "" };
      await changed(older, (store) =>
        store.trustBundle.save({
          ...bundle,
          revokedKeyIds: ["own"],
          version: 1,
        }));
      await changed(dataDir, async (store) => {
        store.trustBundle.save({
          ...bundle,
          revokedKeyIds: ["theirs"],
          version: 4,
        });
        await activateSnapshot(store, 9);
      });
      await restoreTo(older, await backupOf(dataDir));
      await changed(older, async (store) => {
        assert.equal(store.marks.load().snapshot?.version, 9);
        assert.equal((await store.snapshots.load())?.ref.version, 9);
        assert.deepEqual(store.trustBundle.load(), {
          ...bundle,
          revokedKeyIds: ["own", "theirs"],
          version: 4,
        });
      });
    })
  ));

Deno.test("a backup of another node, another membership or another truth is refused without a change", () =>
  inFolder(async (dataDir) => {
    await fillStore(dataDir);
    const backup = await backupOf(dataDir);
    const before = filesBelow(`${dataDir}/clusters/default`);
    const refuses = async (wrong: Backup, why: RegExp) => {
      await assert.rejects(restoreTo(dataDir, wrong), (error: Error) => {
        assert.ok(error instanceof BackupError);
        return why.test(error.message);
      });
      const after = filesBelow(`${dataDir}/clusters/default`);
      assert.deepEqual(after, before);
    };
    await refuses({ ...backup, nodeId: "node-2" }, /of node node-2/);
    await refuses({ ...backup, cluster: "other" }, /membership "other"/);
    const members = new Map(backup.members);
    members.set("trust/marks.json", members.get("trust/keys.json")!);
    await refuses({ ...backup, members }, /trust\/marks\.json in it/);
  }));

Deno.test("every flipped bit and every missing end of a backup is refused", () =>
  inFolder(async (dataDir) => {
    await fillStore(dataDir);
    const backup = await backUp({
      dataDir,
      cluster: "default",
      includeIdentity: false,
      ...io,
    });
    const bytes = encodeBackup(backup!);
    for (let at = 0; at < bytes.length; at += 97) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1;
      assert.throws(() => decodeBackup(flipped), BackupError);
      assert.throws(() => decodeBackup(bytes.slice(0, at)), BackupError);
    }
  }));

Deno.test("a backup with a file that none has is refused, sums and all", () => {
  for (const file of ["../x", "lock", "trust/../../x.json", "state/data/a/b"]) {
    const bytes = encodeBackup({
      createdAt: "2026-03-01T12:00:00Z",
      cluster: "default",
      nodeId: null,
      members: new Map([[file, new Uint8Array([1])]]),
    });
    assert.throws(() => decodeBackup(bytes), /which no backup has/);
  }
});

Deno.test("backUp() refuses a damaged file, and knows no membership where there is none", () =>
  inFolder(async (dataDir) => {
    const options = {
      dataDir,
      cluster: "default",
      includeIdentity: false,
      key,
      ...io,
    };
    assert.equal(await backUp(options), undefined);
    await fillStore(dataDir);
    const file = `${dataDir}/clusters/default/state/report/disk.json`;
    Deno.writeTextFileSync(file, "torn");
    await assert.rejects(backUp(options), /state\/report\/disk\.json/);
  }));

Deno.test("snapshots that no key here opens are left out; the node's keys are not", () =>
  inFolder((dataDir) =>
    inFolder(async (empty) => {
      await fillStore(dataDir);
      const other = await sealKeyFrom(new Uint8Array(32).fill(8), "file");
      const into = (backup: Backup) =>
        restore({
          dataDir: empty,
          cluster: "default",
          backup,
          key: other,
          open: async () => (await openStore(empty)).store,
          ...io,
        });
      await assert.rejects(
        into(await backupOf(dataDir, true)),
        /identity\/\w+ in it is sealed with another key|identity\//,
      );
      const { notes } = await into(await backupOf(dataDir));
      assert.match(notes.join(), /snapshots are sealed with another key/);
      await changed(empty, async (store) => {
        assert.equal(await store.snapshots.load(), undefined);
        assert.equal(store.marks.load().snapshot?.version, 2);
        assert.equal(store.reports.view.entries.size, 2);
      });
    })
  ));
