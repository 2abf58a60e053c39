import assert from "node:assert/strict";
import { openKernelFiles } from "../../src/platform/kernel_files.ts";

Deno.test("openKernelFiles() reads the same file again and again", async () => {
  const folder = await Deno.makeTempDir({ prefix: "plexd-kernel-" });
  const [held, other] = [`${folder}/held`, `${folder}/other`];
  await Deno.writeTextFile(held, "é".repeat(20_000));
  {
    using files = openKernelFiles([held, `${folder}/none`]);
    assert.equal(await files.read(held), "é".repeat(20_000));
    await Deno.writeTextFile(held, "second");
    await Deno.writeTextFile(other, "as any file");
    assert.equal(await files.read(held), "second");
    assert.equal(await files.read(held), "second");
    assert.equal(await files.read(other), "as any file");
    await assert.rejects(files.read(`${folder}/none`), Deno.errors.NotFound);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openKernelFiles() tells what the kernel says now, also to a process with fewer permissions", async () => {
  const module = new URL("../../src/platform/kernel_files.ts", import.meta.url);
  // From Linux 6.2 on.
  const told = Deno.statSync("/proc/self/fd").size > 0;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `
      const { openKernelFiles } = await import("${module.href}");
      const files = openKernelFiles(["/proc/stat", "/proc/self/net/dev"]);
      Deno.permissions.revokeSync({ name: "run" });
      for (const path of ["/proc/stat", "/proc/self/net/dev"]) {
        for (const _ of [1, 2]) console.log((await files.read(path)).length > 0);
      }
      const before = files.openDescriptors();
      using _ = Deno.openSync("/dev/null");
      console.log(files.openDescriptors() === (${told} ? before + 1 : undefined));
    `,
    ],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.equal(new TextDecoder().decode(stdout), "true\n".repeat(5));
});
