import assert from "node:assert/strict";
import { packFolder } from "../../scripts/build/archive.ts";
import { BuildError } from "../../scripts/build/build_error.ts";
import { fillScript } from "../../scripts/build/fill_script.ts";
import { makeKey, readKey } from "../../scripts/build/release_key.ts";
import { releaseTree } from "../../scripts/build/release_tree.ts";

async function inFolder(work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const isBuildError = (pattern: RegExp) => (error: unknown) =>
  error instanceof BuildError && pattern.test(error.message);

Deno.test("openssl verifies what a release key has signed", () =>
  inFolder(async (folder) => {
    await makeKey(folder);
    const key = await readKey(`${folder}/release.key`);
    const sums = new TextEncoder().encode("abc  plexd.tar.gz\n");
    await Deno.writeFile(`${folder}/sums`, sums);
    await Deno.writeFile(`${folder}/sums.sig`, key.sign(sums));
    const { success } = await new Deno.Command("openssl", {
      args: [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        `${folder}/release-key.pem`,
        "-rawin",
        "-in",
        `${folder}/sums`,
        "-sigfile",
        `${folder}/sums.sig`,
      ],
    }).output();
    assert.ok(success);
    const pem = await Deno.readTextFile(`${folder}/release-key.pem`);
    assert.equal(pem.split("\n")[1], key.publicKey);
  }));

Deno.test("a release key is never written over, and never open to others", () =>
  inFolder(async (folder) => {
    await makeKey(folder);
    await assert.rejects(makeKey(folder), isBuildError(/there already/));
    await Deno.chmod(`${folder}/release.key`, 0o644);
    await assert.rejects(
      readKey(`${folder}/release.key`),
      isBuildError(/open to others/),
    );
  }));

Deno.test("what is no key is refused", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/key`, "no", { mode: 0o600 });
    await assert.rejects(
      readKey(`${folder}/key`),
      isBuildError(/cannot be read/),
    );
  }));

Deno.test("the published install.sh knows key and address", async () => {
  const script = await Deno.readTextFile(
    new URL("../../install.sh", import.meta.url),
  );
  const filled = fillScript(script, {
    publicKey: "MCow",
    baseUrl: "https://plexd.test/r",
  });
  assert.match(filled, /^RELEASE_KEY='MCow'$/m);
  assert.match(filled, /^BASE_URL='https:\/\/plexd\.test\/r'$/m);
  assert.throws(() => fillScript("#!/bin/sh\n", { publicKey: "MCow" }));
  assert.throws(() => fillScript(script, { publicKey: "'; rm -r /" }));
});

Deno.test("an archive is the same whenever and by whomever it is packed", () =>
  inFolder(async (folder) => {
    const packed: Uint8Array[] = [];
    for (const [at, order] of [["a", "b"], ["b", "a"]].entries()) {
      const parent = `${folder}/${at}`;
      await Deno.mkdir(`${parent}/it`, { recursive: true });
      for (const name of order) {
        const path = `${parent}/it/${name}`;
        await Deno.writeTextFile(path, name);
        await Deno.chmod(path, at === 0 ? 0o600 : 0o664);
        await Deno.utime(path, at * 1000, at * 1000);
      }
      await packFolder(parent, "it", `${parent}/it.tar`, 1_700_000_000);
      packed.push(await Deno.readFile(`${parent}/it.tar.gz`));
    }
    assert.deepEqual(packed[0], packed[1]);
  }));

Deno.test("a release brings along what docs/install.md says", () =>
  inFolder(async (folder) => {
    await releaseTree(folder, { version: "1.0.0", date: "2026-01-01" });
    const paths = [
      "LICENSE",
      "completions/_plexd",
      "completions/plexd.bash",
      "completions/plexd.fish",
      "man/plexd-config.5",
      "man/plexd.1",
      "systemd/plexd.service",
      "systemd/plexd@.service",
      "sysusers.d/plexd.conf",
      "tmpfiles.d/plexd.conf",
    ];
    for (const path of paths) {
      assert.ok((await Deno.stat(`${folder}/${path}`)).size > 0, path);
    }
  }));
