import assert from "node:assert/strict";
import { createHash } from "node:crypto";

Deno.test("binarySha256() is of the program that runs, also when it could not be read before", async () => {
  const module = new URL(
    "../../src/agent/binary_checksum.ts",
    import.meta.url,
  );
  const program = `
    const { binarySha256 } = await import("${module.href}");
    const held = [];
    try {
      for (;;) held.push(Deno.openSync("/dev/null"));
    } catch {
      // There are no descriptors left.
    }
    const none = await binarySha256();
    for (const file of held) file.close();
    const both = await Promise.all([binarySha256(), binarySha256()]);
    console.log(JSON.stringify([none, ...both]));
  `;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      'ulimit -n 100; exec "$0" eval "$1"',
      Deno.execPath(),
      program,
    ],
  }).output();
  const text = new TextDecoder();
  const [none, ...both] = JSON.parse(
    text.decode(stdout) || text.decode(stderr),
  );
  const sum = createHash("sha256").update(
    await Deno.readFile(await Deno.realPath(Deno.execPath())),
  ).digest("hex");
  assert.equal(none, "");
  assert.deepEqual(both, [sum, sum]);
});
