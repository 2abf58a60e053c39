import assert from "node:assert/strict";
import { openMembership } from "../../src/store/membership.ts";
import type { Identity } from "../../src/store/identity.ts";
import { loadSealKey, sealKeyFrom } from "../../src/store/seal_key.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { CrashDisk } from "./crash_disk.ts";
import { copyFolder, inFolder, openStore } from "./open_store.ts";

const identity: Identity = {
  nodeId: "node-1",
  meshIp: "10.0.0.1",
  domainId: "domain-1",
  dialect: 1,
  controlPlane: "https://control.example",
  enrolledAt: "2026-03-01T12:00:00Z",
  publicKey: "public",
  privateKey: new TextEncoder().encode("canary-private-key-canary-privat"),
  nodeSecretKey: "canary-node-secret",
  signingPublicKey: "signing",
};
const pair = {
  privateKey: identity.privateKey,
  publicKey: "pending-public",
  nonceSeed: "pending-seed",
};

Deno.test("IdentityStore gives back what was saved, after a restart", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    assert.equal(await store.identity.load(), undefined);
    assert.equal(await store.identity.loadPending(), undefined);
    await store.identity.savePending(pair);
    assert.deepEqual(await store.identity.loadPending(), pair);
    await store.identity.save(identity);
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(await again.store.identity.load(), identity);
    assert.equal(await again.store.identity.loadPending(), undefined);
    await again.store.identity.clear();
    assert.equal(await again.store.identity.load(), undefined);
    await again.store.close();
  }));

Deno.test("IdentityStore leaves no secret on disk in the clear, and all files 0600", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.identity.save(identity);
    await store.identity.savePending(pair);
    const { privateKey, nodeSecretKey } = identity;
    const clear = [
      nodeSecretKey,
      new TextDecoder().decode(privateKey),
      privateKey.toBase64(),
      privateKey.toHex(),
      btoa(nodeSecretKey),
    ];
    for (const { name } of Deno.readDirSync(store.paths.identity)) {
      const path = `${store.paths.identity}/${name}`;
      assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600, name);
      const text = Deno.readTextFileSync(path);
      for (const secret of clear) assert.ok(!text.includes(secret), name);
    }
    await store.close();
  }));

Deno.test("save() of another identity reads as either or as none, wherever it is stopped", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(`${dir}/base`);
    await store.identity.save(identity);
    await store.close();
    const other = { ...identity, nodeId: "node-2", nodeSecretKey: "other" };
    const met = new Set<string>();
    for (let at = 1;; at++) {
      copyFolder(`${dir}/base`, `${dir}/${at}`);
      const disk = new CrashDisk();
      const crashing = await openStore(`${dir}/${at}`, disk);
      disk.plan({ at, then: "end" });
      const done = await crashing.store.identity.save(other)
        .then(() => true, () => false);
      await crashing.store.close();
      const after = await openStore(`${dir}/${at}`);
      const loaded = await after.store.identity.load();
      await after.store.close();
      if (loaded) {
        const wanted = loaded.nodeId === "node-1" ? identity : other;
        assert.deepEqual(loaded, wanted, `step ${at}`);
      }
      met.add(loaded?.nodeId ?? "none");
      if (done) {
        assert.equal(loaded?.nodeId, "node-2");
        break;
      }
    }
    assert.deepEqual(met, new Set(["node-1", "none", "node-2"]));
  }));

Deno.test("load() refuses a secret that belongs to another identity or place", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.identity.save(identity);
    const path = `${store.paths.identity}/private_key.sealed`;
    const older = Deno.readFileSync(path);
    await store.identity.save({ ...identity, nodeSecretKey: "other" });
    Deno.writeFileSync(path, older);
    await assert.rejects(store.identity.load(), {
      name: "CorruptIdentityError",
      message: /private_key\.sealed.*plexd join --force/,
    });
    Deno.removeSync(path);
    await assert.rejects(store.identity.load(), {
      name: "CorruptIdentityError",
    });
    await store.close();
  }));

Deno.test("load() does not open what was sealed for another cluster or with another key", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.identity.save(identity);
    await store.close();
    const clusters = `${dir}/clusters`;
    copyFolder(`${clusters}/default`, `${clusters}/other`);
    const openAs = async (cluster: string, fill: number) =>
      await openMembership({
        dataDir: dir,
        cluster,
        seal: await sealKeyFrom(new Uint8Array(32).fill(fill), "file"),
        clock: new FakeClock(),
        random: new FakeRandom(),
        log: new MemoryLog(),
      });
    const other = await openAs("other", 7);
    await assert.rejects(other.identity.load(), {
      name: "CorruptIdentityError",
    });
    await other.close();
    const wrong = await openAs("default", 8);
    await assert.rejects(wrong.identity.load(), {
      name: "SealKeyError",
      kind: "wrong_key",
    });
    await wrong.close();
  }));

Deno.test("TrustStore gives back what was saved, and nothing before", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    assert.equal(store.trust.load(), undefined);
    const full = {
      current: "a",
      previous: "b",
      transitionExpiresMs: 5,
      retired: ["c"],
      signedChange: true,
    };
    await store.trust.save(full);
    assert.deepEqual(store.trust.load(), full);
    const least = { current: "a", retired: [], signedChange: false };
    await store.trust.save(least);
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(again.store.trust.load(), least);
    await again.store.close();
  }));

Deno.test("loadSealKey() makes a key once, for the owner only, and finds it again", () =>
  inFolder(async (dir) => {
    const keyFile = `${dir}/etc/machine.key`;
    const options = { keyFile, create: true, random: new FakeRandom() };
    const made = await loadSealKey(options);
    assert.equal((Deno.statSync(keyFile).mode ?? 0) & 0o777, 0o600);
    const again = await loadSealKey({ ...options, create: false });
    assert.equal(again.id, made.id);
    assert.equal(again.source, "file");
    assert.deepEqual(
      [...Deno.readDirSync(`${dir}/etc`)].map((it) => it.name),
      ["machine.key"],
    );
  }));

Deno.test("loadSealKey() prefers the systemd credential", () =>
  inFolder(async (dir) => {
    const text = new Uint8Array(32).fill(9).toBase64();
    Deno.writeTextFileSync(`${dir}/plexd.seal`, text);
    const { source } = await loadSealKey({
      credentialsDir: dir,
      keyFile: `${dir}/machine.key`,
      create: true,
      random: new FakeRandom(),
    });
    assert.equal(source, "credential");
    assert.throws(() => Deno.statSync(`${dir}/machine.key`));
  }));

const refused = [
  { when: "there is none", content: undefined, mode: 0o600, kind: "missing" },
  { when: "it is empty", content: "", mode: 0o600, kind: "unreadable" },
  { when: "it is short", content: "QUJD", mode: 0o600, kind: "unreadable" },
  { when: "it is no base64", content: "?", mode: 0o600, kind: "unreadable" },
  {
    when: "others may read it",
    content: new Uint8Array(32).toBase64(),
    mode: 0o640,
    kind: "exposed",
  },
];
for (const { when, content, mode, kind } of refused) {
  Deno.test(`loadSealKey() fails as "${kind}" when ${when}, and leaves the file alone`, () =>
    inFolder(async (dir) => {
      const keyFile = `${dir}/machine.key`;
      if (content !== undefined) Deno.writeTextFileSync(keyFile, content);
      if (content !== undefined) Deno.chmodSync(keyFile, mode);
      const create = content !== undefined;
      const random = new FakeRandom();
      await assert.rejects(loadSealKey({ keyFile, create, random }), {
        name: "SealKeyError",
        kind,
      });
      if (content === undefined) assert.throws(() => Deno.statSync(keyFile));
      else assert.equal(Deno.readTextFileSync(keyFile), content);
    }));
}

Deno.test("loadSealKey() says when the key file cannot be made", () =>
  inFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/file`, "");
    const options = {
      keyFile: `${dir}/file/machine.key`,
      create: true,
      random: new FakeRandom(),
    };
    await assert.rejects(loadSealKey(options), (error: Error) => {
      assert.equal(error.name, "SealKeyError");
      return true;
    });
  }));
