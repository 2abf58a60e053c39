import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { COMMANDS } from "../../src/cli/commands.ts";
import { EXIT } from "../../src/cli/command.ts";

const WITNESS = fileURLToPath(
  new URL("spawning_witness.ts", import.meta.url),
);

interface Witnessed {
  readonly code: number;
  readonly seen: readonly string[];
  readonly started: string;
}

/**
 * Runs a command line in a process of its own, to its end.
 *
 * @param stopAt Stops it with SIGTERM once it has written this to its log.
 */
async function witnessed(
  words: readonly string[],
  stopAt?: string,
): Promise<Witnessed> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", WITNESS, ...words],
    env: { PLEXD_BOOTSTRAP_TOKEN: "0123456789abcdef0123456789abcdef" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [stdout, stderr] = await Promise.all([
    new Response(process.stdout).text(),
    readLog(process, stopAt),
    process.status,
  ]);
  const last = stdout.trimEnd().split("\n").at(-1)!;
  assert.match(last, /^\{"code"/, stderr);
  return JSON.parse(last);
}

async function readLog(process: Deno.ChildProcess, stopAt?: string) {
  let log = "";
  let isStopped = stopAt === undefined;
  const text = process.stderr.pipeThrough(new TextDecoderStream());
  for await (const piece of text) {
    log += piece;
    if (isStopped || !log.includes(stopAt!)) continue;
    isStopped = true;
    process.kill("SIGTERM");
  }
  return log;
}

/** A configuration below `folder`, whose agent has nobody to join. */
async function configIn(folder: string, more: string): Promise<string> {
  const path = `${folder}/agent.yaml`;
  await Deno.writeTextFile(
    path,
    `data_dir: ${folder}/data
api:
  base_url: http://127.0.0.1:9
node_api:
  socket_path: ${folder}/api.sock
  secrets_socket_path: ${folder}/secrets.sock
seal:
  key_file: ${folder}/machine.key
${more}`,
  );
  return path;
}

async function inFolder(work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("few commands may start programs", () => {
  const spawning = COMMANDS.filter(({ spawns }) => spawns).map(({ name }) =>
    name
  );
  const known = ["dev", "install", "logs", "uninstall", "up", "upgrade"];
  assert.deepEqual(spawning.filter((name) => !known.includes(name)), []);
  const up = COMMANDS.find(({ name }) => name === "up");
  assert.equal(up?.spawns, "for actions");
});

Deno.test("a command gives up starting programs before it asks anybody", () =>
  inFolder(async (folder) => {
    const config = await configIn(folder, "");
    const { code, seen, started } = await witnessed(
      ["status", "--config", config],
    );
    assert.equal(code, EXIT.agentNotRunning);
    assert.deepEqual(seen.filter((use) => use.endsWith(": granted")), []);
    assert.equal(started, "NotCapable");
  }));

Deno.test("so does what only prints", async () => {
  assert.equal((await witnessed(["--version"])).started, "NotCapable");
  assert.equal((await witnessed(["help"])).started, "NotCapable");
});

Deno.test("an agent without actions gives it up before its first socket", () =>
  inFolder(async (folder) => {
    const config = await configIn(folder, "");
    const { seen, started } = await witnessed(
      ["up", "--config", config],
      "trying again",
    );
    assert.equal(started, "NotCapable");
    assert.equal(seen[0], "fetch: prompt");
    assert.deepEqual(seen.filter((use) => use.endsWith(": granted")), []);
  }));

Deno.test("an agent that has actions keeps it", () =>
  inFolder(async (folder) => {
    const config = await configIn(
      folder,
      "actions:\n  enabled: true\n  commands:\n    x: /bin/true\n",
    );
    const { started } = await witnessed(
      ["up", "--config", config],
      "trying again",
    );
    assert.equal(started, "yes");
  }));
