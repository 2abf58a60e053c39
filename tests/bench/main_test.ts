import assert from "node:assert/strict";

const main = new URL("../../scripts/bench/main.ts", import.meta.url).pathname;

Deno.test("bench --only with an unknown name tells the names there are", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", main, "--only", "nothing"],
  }).output();
  assert.equal(code, 2);
  assert.match(new TextDecoder().decode(stderr), /get-entry, get-state, put-/);
});

Deno.test("bench --help tells what can be measured, and measures nothing", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", main, "--help"],
  }).output();
  assert.equal(code, 0);
  assert.equal(new TextDecoder().decode(stderr), "");
  const text = new TextDecoder().decode(stdout);
  assert.match(text, /^Usage: deno task bench/m);
  assert.match(text, /^ {2}tcp-state-128-rate, tcp-state-128-p50, tcp-/m);
  assert.match(text, /, guard-1-added$/m);
});

Deno.test("bench leaves no file and no process when it is interrupted", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", main, "--only", "start-to-ready"],
      env: { TMPDIR: folder },
      stdout: "null",
      stderr: "null",
    }).spawn();
    // A floor server leaves its socket once it runs.
    while (![...files(folder)].some((name) => name.endsWith(".sock"))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill("SIGINT");
    assert.equal((await child.status).code, 130);
    assert.deepEqual([...files(folder)], []);
    assert.deepEqual(processesNaming(folder), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function* files(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    yield name;
    if (!isDirectory) continue;
    try {
      yield* files(`${folder}/${name}`);
    } catch {
      // It is being written, or has gone already.
    }
  }
}

/** Command lines of running processes that name the folder. */
function processesNaming(folder: string): string[] {
  const lines: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (line.includes(folder)) lines.push(line);
    } catch {
      // It has ended.
    }
  }
  return lines;
}
