import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { BuildError } from "../../scripts/build/build_error.ts";
import {
  pinnedFile,
  type PinOptions,
} from "../../scripts/build/pinned_base.ts";

/** A registry's client that packs what a test wants. */
async function withNpm(
  content: string,
  work: (options: Required<PinOptions>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/npm`,
      `#!/bin/sh\nmkdir -p package && printf %s '${content}' >package/tool &&` +
        " tar -czf packed.tgz package && rm -r package\n",
      { mode: 0o755 },
    );
    // In the child's environment only: other tests share that of the process.
    const env = { PATH: `${folder}:${Deno.env.get("PATH")}` };
    await work({ folder: `${folder}/cache`, env });
  } finally {
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
  await withNpm("good, and more", async (options) => {
    const path = await pinnedFile(TOOL, () => {}, options);
    assert.equal(path, `${options.folder}/tool-1`);
    assert.equal(await Deno.readTextFile(path), "good");
  });
});

Deno.test("a kept file that was changed is not used", async () => {
  await withNpm("good, and more", async (options) => {
    await pinnedFile(TOOL, () => {}, options);
    await Deno.writeTextFile(`${options.folder}/tool-1`, "evil");
    const said: string[] = [];
    const path = await pinnedFile(TOOL, (line) => said.push(line), options);
    assert.match(said.join(), /npm pack tool@1\.0\.0/);
    assert.equal(await Deno.readTextFile(path), "good");
  });
});

Deno.test("another file than the pinned one is refused, and not kept", async () => {
  await withNpm("evil, and more", async (options) => {
    await assert.rejects(
      pinnedFile(TOOL, () => {}, options),
      (error) => error instanceof BuildError && /SHA-256/.test(error.message),
    );
    assert.deepEqual([...Deno.readDirSync(options.folder)], []);
  });
});
