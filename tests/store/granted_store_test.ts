import assert from "node:assert/strict";
import type { Granted } from "../../src/wire/content_parser.ts";
import { GRANTED_FILE } from "../../src/store/granted_store.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, openStore, WEB } from "./open_store.ts";

const GRANTED: Granted = {
  peers: [{
    id: "n_b",
    publicKey: "k",
    meshIp: "10.42.0.2",
    endpoint: "",
    allowedIps: ["10.42.0.2/32"],
  }],
  policies: [{ id: "p", rules: '[ {"b":1.0,"a":2} ]' }],
  services: [WEB],
};

Deno.test("what a state grants lasts as it came, and is not written twice", () =>
  inFolder(async (dataDir) => {
    const disk = new CrashDisk();
    const first = await openStore(dataDir, disk);
    assert.equal(await first.store.granted.load("n_1"), undefined);
    await first.store.granted.save("n_1", GRANTED);
    const written = disk.steps.length;
    await first.store.granted.save("n_1", GRANTED);
    assert.equal(disk.steps.length, written);
    await first.store.close();
    const second = await openStore(dataDir, disk);
    assert.deepEqual(await second.store.granted.load("n_1"), GRANTED);
    const before = disk.steps.length;
    await second.store.granted.save("n_1", GRANTED);
    assert.equal(disk.steps.length, before);
    await second.store.granted.save("n_1", { ...GRANTED, services: [] });
    assert.ok(disk.steps.length > before);
    assert.deepEqual(second.recovered, []);
    await second.store.close();
  }));

Deno.test("what was granted to another node is nothing to this one", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await store.granted.save("n_1", GRANTED);
    assert.equal(await store.granted.load("n_2"), undefined);
    await store.close();
  }));

Deno.test("every flipped bit of what is granted is noticed, set aside and told", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    await first.store.granted.save("n_1", GRANTED);
    await first.store.close();
    const path = `${dataDir}/clusters/default/${GRANTED_FILE}`;
    const whole = Deno.readFileSync(path);
    for (let at = 0; at < whole.length; at += 29) {
      const flipped = whole.slice();
      flipped[at]! ^= 1 << (at % 8);
      Deno.writeFileSync(path, flipped);
      const { store, recovered } = await openStore(dataDir);
      // Whether its key is another one, only the identity could tell.
      const what = await store.granted.load("n_1").catch(String);
      assert.ok(
        what === undefined
          ? recovered[0]?.file === GRANTED_FILE
          : String(what).includes("is sealed with key"),
        `byte ${at}`,
      );
      await store.close();
    }
  }));

Deno.test("nothing of what is granted is on disk in the clear", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await store.granted.save("n_1", GRANTED);
    const path = `${dataDir}/clusters/default/${GRANTED_FILE}`;
    const text = Deno.readTextFileSync(path);
    for (const word of ["n_b", "10.42.0.2", WEB.name, "volume"]) {
      assert.ok(!text.includes(word), word);
    }
    await store.close();
  }));
