import assert from "node:assert/strict";
import { hasNatsServer } from "../fakes/nats_server.ts";
import { DevProcess, processesWith, shell } from "./dev_process.ts";

/** The commands that `plexd dev` offers to copy, joined to one line each. */
function offeredCommands(output: string): string[] {
  return output.replaceAll("\\\n", " ").split("\n")
    .filter((line) => line.startsWith("  curl"));
}

async function isGone(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => false, () => true);
}

/** Turns of the event loop, until something that other processes do is done. */
async function until(condition: () => boolean | Promise<boolean>) {
  while (!(await condition())) await shell("true");
}

Deno.test("plexd dev: its three commands work, Ctrl-C leaves nothing", async () => {
  const dev = DevProcess.start();
  const { root, socket, adminTokenFile } = await dev.places();
  const commands = offeredCommands(dev.output);
  assert.equal(commands.length, 3);
  const [readState, setValue, writeReport] = commands;

  const state = JSON.parse(await shell(readState!));
  assert.deepEqual(state.metadata, {});
  const set = JSON.parse(await shell(setValue!));
  assert.equal(set.key, "region");
  // A pull that is just under way may bring the change before its event does.
  await dev.prints(/Event (applied|known already) {2}event_type=node_state_/);
  assert.deepEqual(JSON.parse(await shell(readState!)).metadata, {
    region: "eu-1",
  });
  const report = JSON.parse(await shell(writeReport!));
  assert.equal(report.version, 1);
  await dev.prints(/Reports synced {2}entries=1/);

  const token = (await Deno.readTextFile(adminTokenFile)).trim();
  assert.equal((await Deno.stat(adminTokenFile)).mode! & 0o777, 0o600);
  assert.deepEqual(processesWith(token), [], "a token is in process arguments");
  assert.ok(!dev.output.includes(token), "a token was printed");
  assert.equal((await Deno.stat(socket)).mode! & 0o777, 0o600);

  const { code } = await dev.signal("SIGINT");
  assert.equal(code, 0);
  assert.match(dev.output, /everything temporary is removed/);
  assert.ok(await isGone(root));
  assert.deepEqual(processesWith(root), []);
});

Deno.test("plexd dev killed: its children end and remove what was temporary", async () => {
  const dev = DevProcess.start();
  const { root } = await dev.places();
  assert.equal(processesWith(root).length, 2);
  await dev.signal("SIGKILL");
  await until(() => processesWith(root).length === 0);
  assert.ok(await isGone(root));
});

Deno.test("plexd dev --data-dir keeps the state, also when killed, and resumes", async () => {
  const folder = await Deno.makeTempDir();
  const first = DevProcess.start(["--data-dir", folder]);
  await first.places();
  const [readState, setValue] = offeredCommands(first.output);
  await shell(setValue!);
  await first.prints(/Event (applied|known already)/);
  const before = await shell(readState!);
  await first.signal("SIGKILL");
  await until(() => processesWith(folder).length === 0);

  const second = DevProcess.start(["--data-dir", folder]);
  await second.places();
  assert.match(second.output, /enrolled already; resuming/);
  assert.equal(await shell(offeredCommands(second.output)[0]!), before);
  const { code } = await second.signal("SIGTERM");
  assert.equal(code, 0);
  assert.match(second.output, /the state is kept/);
  assert.deepEqual([...Deno.readDirSync(`${folder}/run`)], []);
  await Deno.remove(folder, { recursive: true });
});

for (const dialect of ["1", "2"]) {
  Deno.test(`plexd dev --tour --dialect ${dialect} passes`, async () => {
    const tour = DevProcess.start(["--tour", "--dialect", dialect]);
    const { code } = await tour.ended;
    await tour.prints(/passed in|FAIL/);
    assert.equal(code, 0, tour.output);
  });
}

Deno.test("plexd dev --tour needs no proxy, and asks none", async () => {
  const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let proxied = 0;
  const refusing = (async () => {
    for await (const connection of proxy) {
      proxied++;
      connection.close();
    }
  })();
  const url = `http://127.0.0.1:${proxy.addr.port}`;
  const env = { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: "" };
  const tour = DevProcess.start(["--tour"], env);
  const { code } = await tour.ended;
  await tour.prints(/passed in|FAIL/);
  proxy.close();
  await refusing;
  assert.equal(code, 0, tour.output);
  assert.equal(proxied, 0);
});

const withBus = { ignore: !hasNatsServer() };

for (const dialect of ["1", "2"]) {
  const flags = ["--transport", "nats", "--dialect", dialect];
  Deno.test(`plexd dev --tour ${flags.join(" ")} passes`, withBus, async () => {
    const tour = DevProcess.start(["--tour", ...flags]);
    const { code } = await tour.ended;
    await tour.prints(/passed in|FAIL/);
    assert.equal(code, 0, tour.output);
  });
}

Deno.test(
  "plexd dev --transport auto: the bus ends and goes with it",
  withBus,
  async () => {
    const dev = DevProcess.start(["--transport", "auto"]);
    const { root } = await dev.places();
    assert.match(dev.output, /a message bus at nats:\/\/127\.0\.0\.1:\d+/);
    assert.equal(processesWith(root).length, 3);
    await dev.signal("SIGKILL");
    await until(() => processesWith(root).length === 0);
    assert.ok(await isGone(root));
  },
);
