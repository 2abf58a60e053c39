import assert from "node:assert/strict";
import type { Membership } from "../../src/store/membership.ts";
import { fillCaches } from "./fill_caches.ts";
import { copyFolder, entry, inFolder, openStore, WEB } from "./open_store.ts";

/** Damage to every single byte is tested with the decoders of the files. */
const EVERY = 23;
const EVERY_OF_A_LOG = 4_099;

const identity = {
  nodeId: "node-1",
  meshIp: "10.0.0.1",
  domainId: "domain-1",
  dialect: 1,
  controlPlane: "http://127.0.0.1:1",
  enrolledAt: "2026-03-01T12:00:00Z",
  publicKey: "public",
  privateKey: new Uint8Array(32).fill(1),
  nodeSecretKey: "secret",
  signingPublicKey: "signing",
} as const;

async function fill(store: Membership) {
  store.secretNames.learn({ key: "db", version: 1 });
  await store.identity.save(identity);
  await store.identity.savePending({
    privateKey: identity.privateKey,
    publicKey: "p",
    nonceSeed: "s",
  });
  await store.trust.save({
    current: "a",
    previous: "b",
    transitionExpiresMs: 1,
    retired: ["r"],
    signedChange: true,
  });
  await store.state.update(() => ({
    metadata: new Map([["zone", "a"]]),
    data: [entry("one"), entry("two")],
    secretRefs: [{ key: "s", version: 1 }],
    policies: [{ id: "p", rules: "[]" }],
    services: [WEB],
    position: { epoch: 1, version: 1 },
    complete: true,
  }));
  // Afterwards the sums have nothing at hand to repair the other files with.
  await store.state.update(() => ({ position: { epoch: 1, version: 2 } }));
  const report = await store.reports.put("kept", {
    contentType: "a/b",
    payload: "1",
  });
  await store.syncLedger.markSynced({ entries: [report], deleted: [] });
  await fillCaches(store);
  await store.events.record([
    { eventId: "e", type: "t", nonce: "n", issuedAtMs: 1, cursor: "1" },
  ]);
}

/** Opens the store and reads everything. Answers what was noticed. */
async function noticed(dir: string): Promise<string[]> {
  const { store, recovered } = await openStore(dir);
  const told: string[] = [];
  const reads = [
    () => store.trust.load(),
    () => store.identity.load(),
    () => store.identity.loadPending(),
  ];
  for (const read of reads) {
    try {
      await read();
    } catch (error) {
      assert.ok(error instanceof Error);
      told.push(error.name);
    }
  }
  await store.close();
  return [...told, ...recovered.map(({ file }) => file)];
}

const files = [
  { file: "identity/identity.json", as: "CorruptIdentityError" },
  { file: "identity/private_key.sealed", as: "CorruptIdentityError" },
  { file: "identity/node_secret_key.sealed", as: "CorruptIdentityError" },
  { file: "identity/pending.json" },
  { file: "identity/pending_private_key.sealed", as: "identity/pending.json" },
  { file: "trust/keys.json", as: "CorruptTrustError" },
  { file: "trust/seen.log" },
  { file: "sync/reports.json" },
  { file: "sync/secret-names.json" },
  { file: "peers/directory.json" },
  { file: "services/assignments.json" },
  { file: "peers/observations.json" },
  { file: "routes/table.json" },
  { file: "state/.sums" },
  { file: "state/metadata.json" },
  { file: "state/secrets.json" },
  { file: "state/data/one.json" },
  { file: "state/report/kept.json" },
];
for (const { file, as = file } of files) {
  Deno.test(`a flipped bit or a missing end anywhere in ${file} is noticed as ${as}`, () =>
    inFolder(async (dir) => {
      const { store } = await openStore(`${dir}/base`);
      await fill(store);
      await store.close();
      assert.deepEqual(await noticed(`${dir}/base`), []);
      const whole = Deno.readFileSync(`${store.paths.root}/${file}`);
      const places = whole.keys().filter((at) =>
        at % (at < 500 ? EVERY : EVERY_OF_A_LOG) === 0 ||
        at === whole.length - 1
      );
      for (const at of places) {
        const flipped = whole.slice();
        flipped[at]! ^= 1 << (at % 8);
        for (const bytes of [flipped, whole.slice(0, at)]) {
          const copy = `${dir}/copy`;
          copyFolder(`${dir}/base`, copy);
          Deno.writeFileSync(`${copy}/clusters/default/${file}`, bytes);
          const told = await noticed(copy);
          const when = `byte ${at} of ${whole.length}, ${bytes.length} left`;
          assert.ok(told.includes(as), `${when}: ${told.join()}`);
          Deno.removeSync(copy, { recursive: true });
        }
      }
    }));
}

const losses = [
  { file: "state/metadata.json", what: "missing", left: 2 },
  { file: "state/secrets.json", what: "missing", left: 2 },
  { file: "peers/directory.json", what: "missing", left: 2 },
  { file: "services/assignments.json", what: "missing", left: 2 },
  {
    file: "state/data/one.json",
    as: "state/data",
    what: "an entry is missing or older",
    left: 1,
  },
  {
    file: "state/.sums",
    as: "state/metadata.json",
    what: "without its sum",
    left: 2,
  },
];
for (const { file, as = file, what, left } of losses) {
  Deno.test(`a missing ${file} is noticed, the rest is used, and the state counts as incomplete`, () =>
    inFolder(async (dir) => {
      const { store } = await openStore(dir);
      await fill(store);
      await store.close();
      Deno.removeSync(`${store.paths.root}/${file}`);
      const second = await openStore(dir);
      assert.ok(
        second.recovered.some((it) => it.file === as && it.what === what),
        JSON.stringify(second.recovered),
      );
      assert.equal(second.store.state.view.data.size, left);
      assert.equal(second.store.state.view.complete, false);
      await second.store.close();
      const third = await openStore(dir);
      assert.deepEqual(third.recovered, [], "told once");
      assert.equal(third.store.state.view.complete, false);
      await third.store.close();
    }));
}

Deno.test("an older entry file that was put back is noticed", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await fill(store);
    const path = `${store.paths.state}/data/one.json`;
    const older = Deno.readFileSync(path);
    await store.state.update(() => ({
      data: [entry("one", "2", 2), entry("two")],
    }));
    await store.state.update(() => ({ position: { epoch: 1, version: 3 } }));
    await store.close();
    Deno.writeFileSync(path, older);
    const again = await openStore(dir);
    assert.deepEqual(again.recovered.map((it) => it.file), ["state/data"]);
    assert.equal(again.store.state.view.complete, false);
    await again.store.close();
  }));

Deno.test("a file damaged in the last commit is written anew from the sums", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await fill(store);
    await store.state.update(() => ({ data: [entry("one", "2", 2)] }));
    await store.close();
    Deno.writeTextFileSync(`${store.paths.state}/data/one.json`, "rubbish");
    const again = await openStore(dir);
    assert.deepEqual(again.recovered, [{
      file: "state/data/one.json",
      what: "damaged",
      action: "written anew from the last commit",
    }]);
    assert.equal(again.store.state.view.data.get("one")?.payload, "2");
    assert.equal(again.store.state.view.complete, true);
    await again.store.close();
  }));

const leftovers = [
  "state/data/.tmp-x",
  "state/data/other.json",
  "state/report/notes.txt",
  "state/metadata.json",
];
for (const file of leftovers) {
  Deno.test(`a left-over ${file} is kept aside and does not stop the start`, () =>
    inFolder(async (dir) => {
      const { store } = await openStore(dir);
      await store.close();
      Deno.writeTextFileSync(`${store.paths.root}/${file}`, `{"a":"b"}`);
      const again = await openStore(dir);
      assert.deepEqual(again.recovered.map((it) => it.file), [file]);
      assert.equal(again.store.state.view.data.size, 0);
      const kept = [...Deno.readDirSync(`${store.paths.state}/.damaged`)];
      assert.equal(kept.length, 1);
      await again.store.close();
    }));
}

Deno.test("a link among the entries is not followed", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(`${dir}/store`);
    await fill(store);
    await store.close();
    const one = `${store.paths.state}/data/one.json`;
    Deno.renameSync(one, `${dir}/outside.json`);
    Deno.symlinkSync(`${dir}/outside.json`, one);
    const again = await openStore(`${dir}/store`);
    assert.deepEqual(again.recovered.map((it) => it.what), ["not a file"]);
    assert.equal(again.store.state.view.data.has("one"), false);
    await again.store.state.update(() => ({ data: [entry("one", `"new"`)] }));
    await again.store.close();
    assert.doesNotMatch(Deno.readTextFileSync(`${dir}/outside.json`), /new/);
  }));

Deno.test("damaged files that are kept aside do not pile up without end", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.close();
    for (let at = 0; at < 300; at++) {
      Deno.writeTextFileSync(`${store.paths.state}/data/${at}`, "rubbish");
    }
    const again = await openStore(dir);
    await again.store.close();
    assert.equal(again.recovered.length, 300);
    const kept = [...Deno.readDirSync(`${store.paths.state}/.damaged`)];
    assert.equal(kept.length, 256);
  }));

Deno.test("a damaged report is not taken for a deleted one", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const long = "long".repeat(100);
    const entries = await Promise.all(
      ["kept", "lost", long].map((key) =>
        store.reports.put(key, { contentType: "a/b", payload: "1" })
      ),
    );
    await store.syncLedger.markSynced({ entries, deleted: [] });
    await store.close();
    for (const { name } of Deno.readDirSync(`${store.paths.state}/report`)) {
      if (name === "kept.json") continue;
      Deno.writeTextFileSync(`${store.paths.state}/report/${name}`, "rubbish");
    }
    const again = await openStore(dir);
    assert.equal(again.recovered.length, 2);
    const { reports, syncLedger } = again.store;
    assert.deepEqual(syncLedger.pending(reports.view.entries), {
      entries: [],
      deleted: [],
    });
    await again.store.close();
  }));
