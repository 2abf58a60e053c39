import assert from "node:assert/strict";
import { gzipped, tarOf } from "../../../src/cli/diag/tar.ts";
import { reasonWithout, runTool } from "../tool.ts";
import { untar } from "./untar.ts";

const FILES = [
  { name: "plexd-diag/empty", bytes: new Uint8Array() },
  { name: "plexd-diag/block", bytes: new Uint8Array(512).fill(97) },
  { name: "plexd-diag/text", bytes: new TextEncoder().encode("hello\n") },
];

async function written(work: (path: string) => Promise<void>) {
  const path = await Deno.makeTempFile({ suffix: ".tar.gz" });
  try {
    await Deno.writeFile(path, await gzipped(tarOf(FILES, 1_700_000_000_000)));
    await work(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("an archive holds its files as they were", () =>
  written(async (path) => {
    const files = await untar(path);
    assert.deepEqual(
      [...files],
      FILES.map(({ name, bytes }) => [
        name,
        new TextDecoder().decode(bytes),
      ]),
    );
  }));

const without = reasonWithout("tar", "gzip");
Deno.test({
  name: `tar reads it, too${without}`,
  ignore: without !== "",
  fn: () =>
    written(async (path) => {
      const { code, stdout, stderr } = await runTool("tar", ["-tvzf", path]);
      assert.equal(code, 0, stderr);
      assert.equal(stdout.trim().split("\n").length, FILES.length);
      assert.match(stdout, /^-rw------- .* 512 .* plexd-diag\/block$/m);
    }),
});
