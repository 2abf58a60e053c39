import assert from "node:assert/strict";
import { filesBelow, fillStore } from "../store/full_store.ts";
import { goFolder } from "../store/go_folder.ts";
import type { runPlexd } from "./run_plexd.ts";
import { withDataFolder } from "./store_folder.ts";

function withFolder(
  work: (
    dataDir: string,
    migrate: (...flags: string[]) => ReturnType<typeof runPlexd>,
  ) => Promise<void>,
) {
  return withDataFolder((dataDir, plexd) =>
    work(dataDir, (...flags) => plexd("store", "migrate", ...flags))
  );
}

Deno.test("plexd store migrate --dry-run shows what becomes of a Go agent's files, and changes none", () =>
  withFolder(async (dataDir, migrate) => {
    goFolder(dataDir);
    const before = filesBelow(dataDir);
    const shown = await migrate("--dry-run");
    assert.equal(shown.code, 0, shown.stderr);
    assert.deepEqual(filesBelow(dataDir), before);
    for (
      const line of [
        /^private_key +of the Go agent +copied into clusters\/default\/identity\/private_key.sealed/m,
        /^state\/report \(disk\) +of the Go agent +copied into .*state\/report\/disk.json/m,
        /^identity\/credentials.json +missing +written/m,
      ]
    ) assert.match(shown.stdout, line);

    const done = await migrate();
    assert.equal(done.code, 0, done.stderr);
    assert.equal(
      done.stdout.replace(/ +/g, " "),
      shown.stdout.replace("WOULD BE DONE", "DONE").replace(/ +/g, " "),
    );
    const after = filesBelow(dataDir);
    for (const [file, bytes] of before) {
      assert.deepEqual(after.get(file), bytes, file);
    }
    for (const name of ["identity.json", "credentials.json", "enrolled.json"]) {
      assert.ok(
        [...after.keys()].some((file) =>
          file.endsWith(`clusters/default/identity/${name}`)
        ),
        name,
      );
    }
    assert.equal((await migrate()).stdout, "nothing to migrate\n");
  }));

Deno.test("plexd store migrate gives a membership of an older plexd its credentials", () =>
  withFolder(async (dataDir, migrate) => {
    await fillStore(dataDir);
    const before = filesBelow(dataDir);
    const shown = await migrate("--dry-run", "--output=json");
    const { findings, dry_run } = JSON.parse(shown.stdout);
    assert.equal(dry_run, true);
    assert.deepEqual(
      findings.map(({ file }: { file: string }) => file),
      ["identity/credentials.json", "identity/enrolled.json"],
    );
    assert.deepEqual(filesBelow(dataDir), before);
    assert.equal((await migrate()).code, 0);
    assert.equal(
      (await migrate("--dry-run")).stdout,
      "nothing to migrate\n",
    );
  }));

Deno.test("plexd store migrate on a machine without plexd makes nothing", () =>
  withFolder(async (dataDir, migrate) => {
    const { code, stdout } = await migrate();
    assert.equal(code, 0);
    assert.equal(stdout, "nothing to migrate\n");
    assert.deepEqual([...Deno.readDirSync(dataDir)], []);
  }));
