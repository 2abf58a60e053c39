import assert from "node:assert/strict";
import { filesBelow, fillStore } from "../store/full_store.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { runPlexd } from "./run_plexd.ts";

/** The key that the helpers of the store's tests seal with. */
const KEY = new Uint8Array(32).fill(7).toBase64();

/** A filled store, and what runs `plexd store` on it. */
function withStore(
  work: (
    dataDir: string,
    plexd: (...words: string[]) => ReturnType<typeof runPlexd>,
  ) => Promise<void>,
) {
  return inFolder(async (folder) => {
    const dataDir = `${folder}/data`;
    Deno.mkdirSync(dataDir);
    await fillStore(dataDir);
    Deno.writeTextFileSync(`${folder}/machine.key`, KEY, { mode: 0o600 });
    const env = {
      PLEXD_SEAL_KEY_FILE: `${folder}/machine.key`,
      PLEXD_DATA_DIR: dataDir,
    };
    await work(
      dataDir,
      (...words) => runPlexd(["store", ...words], { env }),
    );
  });
}

function damage(dataDir: string) {
  const file = `${dataDir}/clusters/default/state/data/one.json`;
  Deno.writeTextFileSync(file, "torn");
}

Deno.test("plexd store verify says that all is well, or names each file and exits 1", () =>
  withStore(async (dataDir, plexd) => {
    const sound = await plexd("verify");
    assert.equal(sound.stdout, "all files are as they should be\n");
    assert.equal(sound.code, 0, sound.stderr);

    damage(dataDir);
    const found = await plexd("verify");
    assert.match(found.stdout, /FILE +FOUND +A REPAIR\nstate\/data\/one\.json/);
    assert.equal(found.code, 1);
    const json = await plexd("verify", "--output", "json");
    assert.equal(json.code, 1);
    const document = JSON.parse(json.stdout);
    assert.equal(document.clean, false);
    assert.equal(document.findings[0].file, "state/data/one.json");
    assert.equal(document.findings[0].what, "damaged");
  }));

Deno.test("plexd store repair shows first, changes nothing until it is meant, and exits 75 beside an agent", () =>
  withStore(async (dataDir, plexd) => {
    damage(dataDir);
    const before = filesBelow(dataDir);
    const shown = await plexd("repair", "--dry-run");
    assert.match(shown.stdout, /WOULD BE DONE\nstate\/data\/one\.json/);
    assert.equal(shown.code, 0, shown.stderr);
    assert.deepEqual(filesBelow(dataDir), before);

    const held = await openStore(dataDir);
    const beside = await plexd("repair");
    assert.equal(beside.code, 75);
    assert.match(beside.stderr, new RegExp(`Process ${Deno.pid} `));
    await held.store.close();

    damage(dataDir);
    const done = await plexd("repair");
    assert.match(done.stdout, /DONE\nstate\/data\/one\.json/);
    assert.equal(done.code, 0, done.stderr);
    assert.equal((await plexd("verify")).code, 0);
    assert.equal((await plexd("repair")).stdout, "nothing to repair\n");
  }));

Deno.test("plexd store verify without a membership exits 3", () =>
  inFolder(async (dataDir) => {
    const { code, stderr } = await runPlexd([
      "store",
      "verify",
      "--data-dir",
      dataDir,
    ]);
    assert.equal(code, 3);
    assert.match(stderr, /no membership "default"/);
  }));
