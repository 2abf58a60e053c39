import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { BuildError } from "../../scripts/build/build_error.ts";
import { pinnedFile } from "../../scripts/build/pinned_base.ts";

/** A registry's client that packs what a test wants. */
async function withNpm(
  content: string,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const before = {
    PATH: Deno.env.get("PATH")!,
    XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME"),
  };
  try {
    await Deno.writeTextFile(
      `${folder}/npm`,
      `#!/bin/sh\nmkdir -p package && printf %s '${content}' >package/tool &&` +
        " tar -czf packed.tgz package && rm -r package\n",
      { mode: 0o755 },
    );
    Deno.env.set("PATH", `${folder}:${before.PATH}`);
    Deno.env.set("XDG_CACHE_HOME", `${folder}/cache`);
    await work(`${folder}/cache/plexd-build`);
  } finally {
    Deno.env.set("PATH", before.PATH);
    if (before.XDG_CACHE_HOME === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", before.XDG_CACHE_HOME);
    await Deno.remove(folder, { recursive: true });
  }
}

const TOOL = {
  name: "tool-1",
  from: "tool@1.0.0",
  path: "package/tool",
  bytes: 4,
  sha256: createHash("sha256").update("good").digest("hex"),
  download: 4,
};

Deno.test("a pinned file is cut, checked and kept", async () => {
  await withNpm("good, and more", async (cache) => {
    const path = await pinnedFile(TOOL, () => {});
    assert.equal(path, `${cache}/tool-1`);
    assert.equal(await Deno.readTextFile(path), "good");
  });
});

Deno.test("a kept file that was changed is not used", async () => {
  await withNpm("good, and more", async (cache) => {
    await pinnedFile(TOOL, () => {});
    await Deno.writeTextFile(`${cache}/tool-1`, "evil");
    const said: string[] = [];
    const path = await pinnedFile(TOOL, (line) => said.push(line));
    assert.match(said.join(), /npm pack tool@1\.0\.0/);
    assert.equal(await Deno.readTextFile(path), "good");
  });
});

Deno.test("another file than the pinned one is refused, and not kept", async () => {
  await withNpm("evil, and more", async (cache) => {
    await assert.rejects(
      pinnedFile(TOOL, () => {}),
      (error) => error instanceof BuildError && /SHA-256/.test(error.message),
    );
    assert.deepEqual([...Deno.readDirSync(cache)], []);
  });
});
