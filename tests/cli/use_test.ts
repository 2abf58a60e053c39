import assert from "node:assert/strict";
import { runInTerminal } from "../../scripts/screens/terminal.ts";
import { plexdCommand, runPlexd } from "./run_plexd.ts";
import { hasTool, reasonWithout } from "./tool.ts";

/** A user with two memberships on a machine, and no agent. */
class Place implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async open(): Promise<Place> {
    const folder = await Deno.makeTempDir({ prefix: "plexd-use-" });
    for (const name of ["default", "staging"]) {
      await Deno.mkdir(`${folder}/data/clusters/${name}`, { recursive: true });
    }
    return new Place(folder);
  }

  /** The environment of a session; with an empty name, of none. */
  env(session: string): Record<string, string> {
    return {
      PLEXD_SESSION: session,
      PLEXD_DATA_DIR: `${this.folder}/data`,
      XDG_STATE_HOME: `${this.folder}/state`,
    };
  }

  run(
    session: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ) {
    return runPlexd(args, { env: { ...this.env(session), ...env } });
  }

  /** The membership that a command in this session is about, and by what. */
  async inUse(
    session: string,
    flags: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<[cluster: string, from: string]> {
    const args = ["config", "show", "--output", "json", ...flags];
    const { stdout, stderr } = await this.run(session, args, env);
    assert.equal(stderr, "");
    const { cluster, settings } = JSON.parse(stdout);
    const { from } = settings.find((one: { name: string }) =>
      one.name === "cluster"
    );
    return [cluster, from];
  }

  async [Symbol.asyncDispose]() {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("plexd use chooses a membership for one session, until it is cleared", async () => {
  await using place = await Place.open();
  const { code, stdout } = await place.run("one", ["use", "staging"]);
  assert.equal(code, 0);
  assert.equal(stdout, "this terminal uses membership staging\n");
  assert.deepEqual(await place.inUse("one"), ["staging", "terminal"]);
  assert.deepEqual(await place.inUse("two"), ["default", "default"]);
  const shown = await place.run("one", ["use"]);
  assert.equal(shown.stdout, "staging (plexd use)\n");
  const listed = await place.run("two", ["use", "--output", "json"]);
  const { memberships, chosen } = JSON.parse(listed.stdout);
  assert.equal(chosen, null);
  assert.ok(memberships.includes("default") && memberships.includes("staging"));
  for (const _twice of [1, 2]) {
    const cleared = await place.run("one", ["use", "--clear"]);
    assert.equal(cleared.code, 0);
    assert.deepEqual(await place.inUse("one"), ["default", "default"]);
  }
});

Deno.test("plexd use keeps what it remembers from other users", async () => {
  await using place = await Place.open();
  await place.run("one", ["use", "staging"]);
  const folder = `${place.folder}/state/plexd/terminals`;
  const modes = [folder, `${folder}/choices.json`]
    .map((path) => Deno.statSync(path).mode! & 0o777);
  assert.deepEqual(modes, [0o700, 0o600]);
});

Deno.test("flags and environment count before the terminal, and it before a file", async () => {
  await using place = await Place.open();
  await place.run("one", ["use", "staging"]);
  assert.deepEqual(
    await place.inUse("one", [], { PLEXD_CLUSTER: "third" }),
    ["third", "environment"],
  );
  assert.deepEqual(
    await place.inUse("one", ["--cluster=fourth"], { PLEXD_CLUSTER: "third" }),
    ["fourth", "flag"],
  );
  const file = `${place.folder}/config.yaml`;
  await Deno.writeTextFile(file, "cluster: fifth\n");
  assert.deepEqual(
    await place.inUse("one", ["--config", file]),
    ["fifth", "file"],
  );
  assert.deepEqual(
    await place.inUse("one", ["--data-dir", `${place.folder}/other`]),
    ["default", "default"],
  );
  const { stderr } = await place.run("one", ["use", "staging"], {
    PLEXD_CLUSTER: "third",
  });
  assert.equal(
    stderr,
    "plexd: PLEXD_CLUSTER counts before it, and says third\n",
  );
});

Deno.test("plexd use names the memberships there are when it is none of them", async () => {
  await using place = await Place.open();
  const { code, stderr } = await place.run("one", ["use", "stagin"]);
  assert.equal(code, 3);
  assert.match(stderr, /there is no membership "stagin" in /);
  assert.match(stderr, /there are: .*default.*staging/);
  const wrong = await place.run("one", ["use", "../x"]);
  assert.equal(wrong.code, 2);
  const both = await place.run("one", ["use", "staging", "--clear"]);
  assert.equal(both.code, 2);
});

Deno.test("the agent itself is of no terminal", async () => {
  await using place = await Place.open();
  await place.run("one", ["use", "staging"]);
  // Standard input has ended, and so does the agent.
  const { stderr } = await place.run("one", ["up", "--die-with-stdin"], {
    PLEXD_API: "http://127.0.0.1:9",
    PLEXD_SEAL_KEY_FILE: `${place.folder}/machine.key`,
    PLEXD_NODE_API_SOCKET_PATH: `${place.folder}/api.sock`,
    PLEXD_NODE_API_SECRETS_SOCKET_PATH: `${place.folder}/secrets.sock`,
  });
  const isUsed = (name: string) =>
    [...Deno.readDirSync(`${place.folder}/data/clusters/${name}`)].length > 0;
  assert.deepEqual(
    [isUsed("default"), isUsed("staging")],
    [true, false],
    stderr,
  );
});

Deno.test("a command that finds no agent says what its terminal is about", async () => {
  await using place = await Place.open();
  await place.run("one", ["use", "staging"]);
  const { code, stderr } = await place.run("one", ["status"]);
  assert.equal(code, 4);
  assert.match(stderr, /this terminal is about membership staging/);
});

Deno.test("deregister takes the membership from all terminals of its user", async () => {
  await using place = await Place.open();
  await place.run("one", ["use", "staging"]);
  await place.run("two", ["use", "default"]);
  // There is no node in it, but a folder.
  const { code, stderr } = await place.run("three", [
    "deregister",
    "--cluster=staging",
    "--purge",
  ]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await place.inUse("one"), ["default", "default"]);
  assert.deepEqual(await place.inUse("two"), ["default", "terminal"]);
});

Deno.test({
  name: `each terminal has a choice of its own${reasonWithout("script")}`,
  ignore: !hasTool("script") && Deno.env.get("CI") !== "true",
  fn: async () => {
    await using place = await Place.open();
    const plexd = plexdCommand([]).map((word) => `'${word}'`).join(" ");
    const onTerminal = async (script: string) => {
      const { screen } = await runInTerminal(["sh", "-c", script], {
        columns: 120,
        env: { ...place.env(""), TERM: "xterm", NO_COLOR: "1" },
      });
      return screen.replaceAll("\r", "").trim().split("\n");
    };
    assert.deepEqual(await onTerminal(`${plexd} use staging; ${plexd} use`), [
      "this terminal uses membership staging",
      "staging (plexd use)",
    ]);
    assert.deepEqual(await onTerminal(`${plexd} use; :`), [
      "default (none is chosen in this terminal)",
    ]);
  },
});

Deno.test({
  name: `without a terminal nothing can be chosen${reasonWithout("setsid")}`,
  ignore: !hasTool("setsid") && Deno.env.get("CI") !== "true",
  fn: async () => {
    await using place = await Place.open();
    const { code, stderr } = await new Deno.Command("setsid", {
      args: ["--wait", ...plexdCommand(["use", "staging"])],
      env: place.env(""),
      stdin: "null",
    }).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      /there is no terminal here .*\n.*PLEXD_SESSION/,
    );
  },
});
