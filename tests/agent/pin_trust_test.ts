import assert from "node:assert/strict";
import { forgetSnapshots, pinTrust } from "../../src/agent/pin_trust.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { bundleText } from "../sync/signing_plane.ts";
import { publicKeyOf } from "../trust/signers.ts";

const root = publicKeyOf("C");
const mark = { epoch: 1, version: 2, contentSha256: "x" };

Deno.test("pinTrust() keeps root and bundle; a bundle of another root only the root", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    const log = new MemoryLog();
    pinTrust(store, { signedRequired: false }, log);
    assert.equal(store.trustBundle.load(), undefined, "a plain control plane");
    const bundle = bundleText({ version: 4 });
    pinTrust(store, { root, bundle, signedRequired: true }, log);
    assert.equal(store.trustBundle.load()?.version, 4);
    assert.equal(store.marks.load().signedRequired, true);
    assert.deepEqual(log.lines, []);
    const foreign = bundleText({ version: 9 }, "A");
    pinTrust(store, { root, bundle: foreign, signedRequired: true }, log);
    assert.equal(store.trustBundle.load()?.version, 0);
    assert.deepEqual(store.trustBundle.load()?.roots, [root]);
    assert.equal(log.lines.length, 1);
  }));

Deno.test("forgetSnapshots() forgets marks, but not that the same control plane signs", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    const log = new MemoryLog();
    pinTrust(store, { root, signedRequired: false }, log);
    store.marks.save({ ...store.marks.load(), snapshot: mark });
    await forgetSnapshots(store, true);
    assert.equal(store.marks.load().snapshot, undefined);
    assert.equal(store.marks.load().signedRequired, true);
    assert.ok(store.trustBundle.load());
    const path = `${store.paths.root}/trust/marks.json`;
    Deno.writeTextFileSync(path, "torn");
    await forgetSnapshots(store, false);
    assert.equal(store.marks.load().signedRequired, false);
    assert.equal(store.trustBundle.load(), undefined);
  }));

Deno.test("a damaged trust bundle fails closed", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    pinTrust(store, { root, signedRequired: false }, new MemoryLog());
    const path = `${store.paths.root}/trust/bundle.json`;
    const bytes = Deno.readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1;
      Deno.writeFileSync(path, flipped);
      assert.throws(() => store.trustBundle.load(), /bundle\.json/);
    }
  }));
