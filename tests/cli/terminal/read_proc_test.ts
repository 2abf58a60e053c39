import assert from "node:assert/strict";
import { readProc } from "../../../src/cli/terminal/read_proc.ts";

const MODULE = new URL(
  "../../../src/cli/terminal/read_proc.ts",
  import.meta.url,
);

Deno.test("readProc() tells of this process where it may", () => {
  assert.match(readProc("/proc/self/stat"), new RegExp(`^${Deno.pid} \\(`));
  assert.throws(() => readProc("/proc/none"), Deno.errors.NotFound);
});

Deno.test("readProc() reads as the compiled program, which may not open /proc", async () => {
  const code = `import { readProc } from ${JSON.stringify(MODULE.href)};
    const own = await import("node:process");
    let denied = false;
    try { Deno.readTextFileSync("/proc/self/stat"); } catch { denied = true; }
    const fields = readProc("/proc/self/stat").split(" ");
    let none = false;
    try { readProc("/proc/none"); } catch { none = true; }
    console.log(JSON.stringify({ denied, none, parent: Number(fields[3]), pid: own.pid }));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-read",
      "--allow-run",
      "--allow-import",
      "--deny-ffi",
      `data:application/typescript,${encodeURIComponent(code)}`,
    ],
  }).output();
  const decoder = new TextDecoder();
  const told = decoder.decode(stdout);
  assert.notEqual(told, "", decoder.decode(stderr));
  const { denied, none, parent, pid } = JSON.parse(told);
  // What was read is of a child of that process, and so of its session.
  assert.deepEqual({ denied, none, parent }, {
    denied: true,
    none: true,
    parent: pid,
  });
});
