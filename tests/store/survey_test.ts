import assert from "node:assert/strict";
import { repairMembership } from "../../src/store/repair.ts";
import { type SealKey, sealKeyFrom } from "../../src/store/seal_key.ts";
import { SealKeyError } from "../../src/store/store_errors.ts";
import { openMembership } from "../../src/store/membership.ts";
import { surveyMembership } from "../../src/store/survey.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { filesBelow, fillStore } from "./full_store.ts";
import { inFolder, openStore } from "./open_store.ts";

const sealKey = await sealKeyFrom(new Uint8Array(32).fill(7), "file");

async function survey(
  dataDir: string,
  seal: () => Promise<SealKey> = () => Promise.resolve(sealKey),
) {
  const found = await surveyMembership({
    dataDir,
    cluster: "default",
    seal,
    clock: new FakeClock(),
    random: new FakeRandom(),
  });
  assert.ok(found);
  return found;
}

const noKey = () =>
  Promise.reject(new SealKeyError("missing", "the key is missing"));

function repair(dataDir: string) {
  const clock = new FakeClock();
  return repairMembership({
    dataDir,
    cluster: "default",
    seal: () => Promise.resolve(sealKey),
    clock,
    open: (recovered) =>
      openMembership({
        dataDir,
        cluster: "default",
        seal: sealKey,
        clock,
        random: new FakeRandom(),
        log: new MemoryLog(),
        recovered,
      }),
  });
}

/** A membership in which `work` has changed something. */
function inDamaged(
  work: (root: string) => void,
  check: (dataDir: string, root: string) => Promise<void>,
) {
  return inFolder(async (dataDir) => {
    await fillStore(dataDir);
    const root = `${dataDir}/clusters/default`;
    work(root);
    await check(dataDir, root);
  });
}

Deno.test("surveyMembership() finds nothing in a sound store, with or without the key", () =>
  inFolder(async (dataDir) => {
    await fillStore(dataDir);
    const found = await survey(dataDir);
    assert.deepEqual(found, { findings: [], unchecked: [] });
    const without = await survey(dataDir, noKey);
    assert.deepEqual(without.findings, []);
    assert.match(without.unchecked.join(), /sealed files .*key is missing/);
  }));

Deno.test("surveyMembership() knows no membership where there is none", () =>
  inFolder(async (dataDir) => {
    const options = {
      dataDir,
      cluster: "default",
      seal: () => Promise.resolve(sealKey),
      clock: new FakeClock(),
      random: new FakeRandom(),
    };
    assert.equal(await surveyMembership(options), undefined);
    assert.deepEqual([...Deno.readDirSync(dataDir)], []);
  }));

Deno.test("a flipped bit in any file is found without a change, and repaired unless it is identity or trust", () =>
  inFolder(async (sound) => {
    await fillStore(sound);
    for (const file of filesBelow(`${sound}/clusters/default`).keys()) {
      if (file === "lock" || file.endsWith("/lock")) continue;
      await inDamaged(
        (root) => {
          const bytes = Deno.readFileSync(`${root}/${file}`);
          bytes[bytes.length >> 1]! ^= 4;
          Deno.writeFileSync(`${root}/${file}`, bytes);
        },
        async (dataDir, root) => {
          const before = filesBelow(root);
          const { findings } = await survey(dataDir);
          assert.ok(findings.length > 0, file);
          assert.deepEqual(filesBelow(root), before, file);
          const { repaired, left } = await repair(dataDir);
          const isFatal = /^(identity\/(identity|private|node)|trust\/[bkm])/
            .test(file);
          assert.equal(left.length > 0, isFatal, file);
          const did = [...repaired, ...left].map((one) => one.file);
          assert.deepEqual(did, findings.map((one) => one.file), file);
          const again = await survey(dataDir);
          assert.deepEqual(again.findings, isFatal ? left : [], file);
        },
      );
    }
  }));

Deno.test("surveyMembership() tells of sealed files that are gone, also without the key", () =>
  inDamaged(
    (root) => Deno.removeSync(`${root}/identity/private_key.sealed`),
    async (dataDir) => {
      const { findings } = await survey(dataDir, noKey);
      assert.deepEqual(findings.map(({ file, what }) => [file, what]), [
        ["identity/private_key.sealed", "it is missing"],
      ]);
    },
  ));

Deno.test("left-over temporary files, missing folders and loose modes are found and repaired", () =>
  inDamaged(
    (root) => {
      Deno.writeTextFileSync(`${root}/tmp/7`, "half", { mode: 0o600 });
      Deno.removeSync(`${root}/routes`, { recursive: true });
      Deno.chmodSync(`${root}/trust/keys.json`, 0o644);
      Deno.chmodSync(`${root}/sync`, 0o755);
    },
    async (dataDir) => {
      const { findings } = await survey(dataDir);
      assert.deepEqual(findings, [
        { file: "routes", what: "the folder is missing", repair: "it is made" },
        {
          file: "tmp/7",
          what: "left over from a write that was interrupted",
          repair: "it is removed",
        },
        {
          file: "sync",
          what: "others may use it: mode 755",
          repair: "its mode becomes 700",
        },
        {
          file: "trust/keys.json",
          what: "others may use it: mode 644",
          repair: "its mode becomes 600",
        },
      ]);
      assert.deepEqual(await repair(dataDir), { repaired: findings, left: [] });
      assert.deepEqual((await survey(dataDir)).findings, []);
    },
  ));

Deno.test("surveyMembership() says who holds the membership, and looks all the same", () =>
  inFolder(async (dataDir) => {
    await fillStore(dataDir);
    const { store } = await openStore(dataDir);
    Deno.writeTextFileSync(`${store.paths.tmp}/x`, "", { mode: 0o600 });
    const found = await survey(dataDir);
    assert.deepEqual(found.findings, []);
    assert.equal(found.holder?.pid, Deno.pid);
    await store.close();
  }));
