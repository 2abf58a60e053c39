import assert from "node:assert/strict";
import type { Disk } from "../../src/store/disk.ts";
import type { Membership } from "../../src/store/membership.ts";
import {
  CorruptTrustError,
  SealKeyError,
} from "../../src/store/store_errors.ts";
import {
  encodeSnapshot,
  type SignedSnapshot,
} from "../../src/wire/signed_snapshot.ts";
import { signedSnapshot } from "../trust/snapshots.ts";
import { CrashDisk } from "./crash_disk.ts";
import { IDENTITY } from "./full_store.ts";
import { inFolder, openStore } from "./open_store.ts";

const SECRET = "psk-that-must-not-be-readable";

function numbered(version: number, epoch = 1): SignedSnapshot {
  const content = `{"policies":[],"metadata":{"v":"${version} ${SECRET}"}}`;
  return signedSnapshot({ epoch, version, content });
}

async function activate(
  { snapshots }: Membership,
  snapshot: SignedSnapshot,
): Promise<void> {
  await snapshots.stage(encodeSnapshot(snapshot));
  await snapshots.activate({
    epoch: snapshot.epoch,
    version: snapshot.version,
    contentSha256: snapshot.contentSha256,
    issuedAtMs: Date.parse(snapshot.issuedAt),
    expiresAtMs: Date.parse(snapshot.expiresAt),
    keyId: snapshot.keyId,
  });
}

const folderOf = (dataDir: string) => `${dataDir}/clusters/default/snapshots`;
const filesOf = (dataDir: string) =>
  [...Deno.readDirSync(folderOf(dataDir))].map(({ name }) => name).sort();

Deno.test("an activated snapshot is there after a restart, byte for byte", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    assert.equal(await first.store.snapshots.load(), undefined);
    await activate(first.store, numbered(1));
    await first.store.close();

    const { store, recovered } = await openStore(dataDir);
    const active = await store.snapshots.load();
    assert.deepEqual(active?.snapshot, numbered(1));
    assert.equal(active?.fellBack, false);
    assert.equal(active?.ref.keyId, numbered(1).keyId);
    const { epoch, version, contentSha256 } = numbered(1);
    assert.deepEqual(store.marks.load().snapshot, {
      epoch,
      version,
      contentSha256,
    });
    assert.deepEqual(recovered, []);
    await store.close();
  }));

Deno.test("no snapshot stands in the clear on disk", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await activate(store, numbered(1));
    await store.snapshots.stage(encodeSnapshot(numbered(2)));
    for (const name of filesOf(dataDir)) {
      const text = Deno.readTextFileSync(`${folderOf(dataDir)}/${name}`);
      assert.ok(!text.includes(SECRET), name);
    }
    await store.close();
  }));

Deno.test("only so many snapshots are kept, the active one and the one before among them", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    for (const version of [1, 2, 9, 10, 11]) {
      await activate(store, numbered(version));
    }
    assert.deepEqual(filesOf(dataDir), [
      "1-10.sealed",
      "1-11.sealed",
      "1-9.sealed",
      "active.json",
    ]);
    assert.equal(store.snapshots.pointer?.active.version, 11);
    assert.equal(store.snapshots.pointer?.previous?.version, 10);
    await store.close();
  }));

Deno.test("the active snapshot again has the same one before it", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    for (const version of [1, 2, 2]) await activate(store, numbered(version));
    assert.equal(store.snapshots.pointer?.previous?.version, 1);
    await store.close();
  }));

for (
  const [what, damage] of [
    ["damaged", (path: string) => flip(path, 100)],
    ["truncated", (path: string) => Deno.truncateSync(path, 50)],
    ["missing", (path: string) => Deno.removeSync(path)],
  ] as const
) {
  Deno.test(`a ${what} active snapshot gives way to the one before, and that is told`, () =>
    inFolder(async (dataDir) => {
      const first = await openStore(dataDir);
      for (const version of [1, 2]) {
        await activate(first.store, numbered(version));
      }
      await first.store.close();
      damage(`${folderOf(dataDir)}/1-2.sealed`);

      const { store, recovered } = await openStore(dataDir);
      const active = await store.snapshots.load();
      assert.equal(active?.fellBack, true);
      assert.deepEqual(active?.snapshot, numbered(1));
      assert.equal(recovered[0]?.file, "snapshots/1-2.sealed");
      assert.equal(recovered.length, 1);
      // The mark keeps the one that is used now from being taken for the newest.
      assert.equal(store.marks.load().snapshot?.version, 2);
      assert.deepEqual((await store.snapshots.load())?.fellBack, false);
      await store.close();
    }));
}

Deno.test("with both damaged there is no snapshot, and none is made up", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    for (const version of [1, 2]) {
      await activate(first.store, numbered(version));
    }
    await first.store.close();
    for (const version of [1, 2]) {
      flip(`${folderOf(dataDir)}/1-${version}.sealed`, 99);
    }
    const { store, recovered } = await openStore(dataDir);
    assert.equal(await store.snapshots.load(), undefined);
    assert.equal(recovered.length, 1);
    await store.close();
  }));

Deno.test("a snapshot under another one's name is not taken for it", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    for (const version of [1, 2]) {
      await activate(first.store, numbered(version));
    }
    await first.store.close();
    const folder = folderOf(dataDir);
    Deno.copyFileSync(`${folder}/1-1.sealed`, `${folder}/1-2.sealed`);
    const { store } = await openStore(dataDir);
    assert.equal((await store.snapshots.load())?.ref.version, 1);
    await store.close();
  }));

Deno.test("every flipped byte of the pointer and the marks is noticed", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    await activate(first.store, numbered(1));
    await first.store.close();
    const root = `${dataDir}/clusters/default`;
    const { store, recovered } = await openStore(dataDir);
    for (const file of ["snapshots/active.json", "trust/marks.json"]) {
      const path = `${root}/${file}`;
      const bytes = Deno.readFileSync(path);
      for (let at = 0; at < bytes.length; at++) {
        flip(path, at);
        if (file.startsWith("trust")) {
          assert.throws(() => store.marks.load(), CorruptTrustError, `${at}`);
        } else {
          assert.equal(store.snapshots.pointer, undefined, `${at}`);
        }
        flip(path, at);
      }
    }
    assert.deepEqual(recovered, []);
    await store.close();
  }));

Deno.test("a crash at any step of an activation leaves one whole snapshot in use", () =>
  inFolder(async (base) => {
    let steps = 0;
    for (let at = 1;; at++) {
      const dataDir = `${base}/${at}`;
      const first = await openStore(dataDir);
      await activate(first.store, numbered(1));
      await first.store.close();
      const disk: Disk & CrashDisk = new CrashDisk();
      const second = await openStore(dataDir, disk);
      disk.plan({ at, then: "end" });
      let done = false;
      try {
        await activate(second.store, numbered(2));
        done = true;
      } catch {
        // The world has ended; what counts is what is found afterwards.
      }
      await second.store.close().catch(() => {});
      const third = await openStore(dataDir);
      const active = await third.store.snapshots.load();
      const mark = third.store.marks.load().snapshot?.version ?? 0;
      const version = active?.ref.version ?? 0;
      assert.ok(version === 1 || version === 2, `step ${at}: ${version}`);
      assert.ok(mark >= version, `step ${at}: mark ${mark} below ${version}`);
      if (done) assert.equal(version, 2, `step ${at}`);
      await third.store.close();
      if (!disk.reached) break;
      steps = at;
    }
    assert.ok(steps >= 8, `only ${steps} steps were tried`);
  }));

Deno.test("forgotten snapshots are gone", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await activate(store, numbered(1));
    await store.snapshots.forget();
    assert.deepEqual(filesOf(dataDir), []);
    assert.equal(await store.snapshots.load(), undefined);
    await store.close();
  }));

function flip(path: string, at: number) {
  const bytes = Deno.readFileSync(path);
  bytes[at] = bytes[at]! ^ 1;
  Deno.writeFileSync(path, bytes);
}

Deno.test("load() falls back when a damaged snapshot names another key than the node's", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    await first.store.identity.save(IDENTITY);
    await activate(first.store, numbered(1));
    await activate(first.store, numbered(2));
    const { root } = first.store.paths;
    await first.store.close();
    const file = `${root}/snapshots/1-2.sealed`;
    const text = Deno.readTextFileSync(file)
      .replace(
        /"key_id":"(.)/,
        (_, one) => `"key_id":"${one === "0" ? "1" : "0"}`,
      );
    Deno.writeTextFileSync(file, text);

    const { store, recovered } = await openStore(dataDir);
    assert.equal((await store.snapshots.load())?.ref.version, 1);
    assert.deepEqual(recovered.map((one) => one.file), [
      "snapshots/1-2.sealed",
    ]);
    await store.close();
  }));

Deno.test("load() does not blame the snapshot when the key at hand is another", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    await first.store.identity.save(IDENTITY);
    await activate(first.store, numbered(1));
    const { root } = first.store.paths;
    await first.store.close();
    for (
      const file of ["snapshots/1-1.sealed", "identity/private_key.sealed"]
    ) {
      const text = Deno.readTextFileSync(`${root}/${file}`);
      const other = text.replace(/"key_id":"[^"]*"/, '"key_id":"other"');
      Deno.writeTextFileSync(`${root}/${file}`, other);
    }
    const { store, recovered } = await openStore(dataDir);
    await assert.rejects(store.snapshots.load(), SealKeyError);
    assert.deepEqual(recovered, []);
    await store.close();
  }));
