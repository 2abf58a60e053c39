import assert from "node:assert/strict";
import { filesBelow, fillStore } from "../store/full_store.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { runPlexd } from "./run_plexd.ts";
import { withDataFolder } from "./store_folder.ts";

/** A filled store, and what runs `plexd store` on it. */
function withStore(
  work: (
    dataDir: string,
    plexd: (...words: string[]) => ReturnType<typeof runPlexd>,
  ) => Promise<void>,
) {
  return withDataFolder(async (dataDir, plexd) => {
    await fillStore(dataDir);
    await work(dataDir, (...words) => plexd("store", ...words));
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
    assert.equal((await plexd("verify")).code, 1);
    const lastLook = () => {
      const text = Deno.readTextFileSync(`${dataDir}/agent/agent.json`);
      return JSON.parse(text).last_diagnostics.outcome;
    };
    assert.equal(lastLook(), "findings");
    const done = await plexd("repair");
    assert.equal(lastLook(), "ok");
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

Deno.test("plexd store backup writes a file for its owner only, and replaces none unless it is told to", () =>
  withStore(async (dataDir, plexd) => {
    const file = `${dataDir}/../backup`;
    const first = await plexd("backup", file);
    assert.match(first.stdout, /^\d+ files in /);
    assert.equal(first.code, 0, first.stderr);
    assert.equal((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
    const bytes = Deno.readFileSync(file);
    const again = await plexd("backup", file, "--include-identity");
    assert.equal(again.code, 1);
    assert.match(again.stderr, /is there already/);
    assert.deepEqual(Deno.readFileSync(file), bytes);
    const forced = await plexd(
      "backup",
      file,
      "--include-identity",
      "--force",
    );
    assert.equal(forced.code, 0, forced.stderr);
    assert.ok(Deno.readFileSync(file).length > bytes.length);
    const names = [...Deno.readDirSync(`${dataDir}/..`)].map((one) => one.name);
    assert.deepEqual(names.sort(), ["backup", "data", "machine.key"]);
  }));

Deno.test("plexd store restore puts a backup back, and refuses one that is damaged or beside an agent", () =>
  withStore(async (dataDir, plexd) => {
    const file = `${dataDir}/../backup`;
    await plexd("backup", file, "--include-identity");
    const held = await openStore(dataDir);
    const beside = await plexd("restore", file);
    assert.equal(beside.code, 75);
    assert.match(beside.stderr, /Process \d+ .*\n.*systemctl stop plexd/);
    await held.store.close();

    Deno.removeSync(`${dataDir}/clusters`, { recursive: true });
    const done = await plexd("restore", file);
    assert.match(done.stdout, /^restored the backup of .* wait for/);
    assert.equal(done.code, 0, done.stderr);
    const { store } = await openStore(dataDir);
    assert.equal((await store.identity.load())?.nodeId, "node-1");
    assert.ok(store.restored.isPending);
    await store.close();
    assert.equal((await plexd("verify")).code, 0);

    const bare = `${dataDir}/../bare`;
    await plexd("backup", bare);
    Deno.removeSync(`${dataDir}/clusters`, { recursive: true });
    const anonymous = await plexd("restore", bare);
    assert.equal(anonymous.code, 0, anonymous.stderr);
    assert.match(anonymous.stderr, /one-time token, then run "plexd join"/);
    assert.match((await plexd("verify")).stderr, /no node is enrolled here/);

    Deno.truncateSync(file, 100);
    const damaged = await plexd("restore", file);
    assert.equal(damaged.code, 1);
    assert.match(damaged.stderr, /cannot be restored: it is no backup/);
    const missing = await plexd("restore", `${file}-2`);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /there is no file/);
  }));
