import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { plexdCommand } from "../cli/run_plexd.ts";
import { ServiceSocket } from "../fakes/service_socket.ts";
import { call } from "../node_api/raw_http.ts";
import { Stage } from "../scenarios/stage.ts";
import { allowedCalls } from "./system_call_sets.ts";
import { hasSystemd, runTool } from "./systemd_tools.ts";
import { packaged, settingsIn } from "./unit_file.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** Nobody's, on any machine that tests run on. */
const [UID, GID, SECRETS_GID] = [64_321, 64_322, 64_323];

/** What one line of the unit asks for, under another name in each. */
function unitValues(name: string): string[] {
  const prefix = `[Service] ${name}=`;
  return settingsIn(packaged("systemd/plexd.service"))
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length));
}

/**
 * The words that run plexd in a mount namespace, where it may write to `folder`
 * alone.
 *
 * @param before Words that start what starts plexd.
 */
async function confined(
  folder: string,
  args: readonly string[],
  before: readonly string[] = [],
): Promise<string[]> {
  const { stdout } = await runTool(Deno.execPath(), "info", "--json");
  const [program = "", ...words] = plexdCommand(args);
  // In the order of their names below /mnt.
  const kept = [JSON.parse(stdout).denoDir, program, REPOSITORY];
  const moved = (word: string) => word.replace(REPOSITORY, "/mnt/3/");
  return [
    "--mount",
    "sh",
    here("confine.sh"),
    folder,
    kept.join(":"),
    String(UID),
    String(GID),
    String(SECRETS_GID),
    "env",
    "DENO_DIR=/mnt/1",
    ...before.map(moved),
    "/mnt/2",
    ...words.map(moved),
  ];
}

/** Why nothing can be confined here; undefined when it can. */
async function whyNotConfined(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "that takes root";
  const folder = await Deno.makeTempDir({ prefix: "plexd-confined-" });
  try {
    await leaveGroups(folder);
    // Another user may be kept from the program, too.
    const words = await confined(folder, ["--version"]);
    const { code, stderr } = await runTool("unshare", ...words);
    return code === 0 ? undefined : stderr.trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "unshare is not installed (Debian package util-linux)";
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The words that put a filter of calls before a program, where one can be. */
async function filterWords(folder: string): Promise<readonly string[]> {
  const python = await pathOfPython();
  if (python === undefined || !await hasSystemd()) return [];
  const calls = await allowedCalls(unitValues("SystemCallFilter"));
  const list = `${folder}/system-calls`;
  await Deno.writeTextFile(list, [...calls].join("\n"), { mode: 0o644 });
  return [python, here("system_calls.py"), list];
}

/** One that everybody may run; there may be others in somebody's home. */
async function pathOfPython(): Promise<string | undefined> {
  const path = "/usr/bin/python3";
  try {
    const needs = "import ctypes; ctypes.CDLL('libseccomp.so.2')";
    return (await runTool(path, "-c", needs)).code === 0 ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Names for the groups, as the sysusers snippet makes them. */
async function leaveGroups(folder: string): Promise<void> {
  const groups = [`plexd:x:${GID}:`, `plexd-secrets:x:${SECRETS_GID}:plexd`];
  await Deno.writeTextFile(`${folder}/group`, groups.join("\n") + "\n");
}

const why = await whyNotConfined();
// deno-lint-ignore no-console
if (why !== undefined) console.log(`not run as the unit would: ${why}`);

Deno.test({
  name:
    "an agent is ready under the restrictions of its unit, and its sockets have their groups",
  ignore: why !== undefined,
  async fn() {
    await using stage = await Stage.open();
    await using socket = await ServiceSocket.open();
    await stage.startControlPlane();
    await stage.leaveToken();
    await leaveGroups(stage.folder);
    // As in /etc/plexd, the file is the agent's and its folder is root's.
    const tokenFile = `${stage.folder}/etc/bootstrap-token`;
    await Deno.mkdir(`${stage.folder}/etc`, { mode: 0o755 });
    await Deno.rename(stage.tokenFile, tokenFile);
    const [, config = ""] = await stage.configure({
      settings: {
        node_api: { group: "plexd", secrets_group: "plexd-secrets" },
        registration: { token_file: tokenFile },
      },
    });
    const filter = await filterWords(stage.folder);
    await Deno.link(socket.path, `${stage.folder}/notify`);
    await Deno.chmod(socket.path, 0o777);
    for (
      const [path, uid, gid] of [
        [stage.folder, UID, GID],
        [`${stage.folder}/run`, UID, GID],
        [tokenFile, UID, GID],
        [config, UID, GID],
      ] as const
    ) {
      await Deno.chown(path, uid, gid);
    }
    const agent = new Deno.Command("unshare", {
      args: await confined(stage.folder, ["up", "--config", config], filter),
      clearEnv: true,
      env: {
        NO_COLOR: "1",
        PATH: "/usr/bin:/bin",
        NOTIFY_SOCKET: `${stage.folder}/notify`,
        WATCHDOG_USEC: "900000",
      },
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    const ready = await Promise.race([
      socket.hears((told) => told["READY"] === "1"),
      agent.status.then(({ code }) => assert.fail(`it ended with ${code}`)),
    ]);
    await socket.hears((told) => told["WATCHDOG"] === "1", ready);
    const limits = await Deno.readTextFile(`/proc/${agent.pid}/status`);
    assert.match(limits, /^NoNewPrivs:\t1$/m);
    assert.match(limits, /^CapBnd:\t0+$/m);
    if (filter.length > 0) assert.match(limits, /^Seccomp:\t2$/m);
    for (
      const [path, gid] of [
        [stage.socket, GID],
        [stage.secretsSocket, SECRETS_GID],
      ] as const
    ) {
      const found = await Deno.stat(path);
      assert.equal(`${found.uid}:${found.gid}`, `${UID}:${gid}`);
      assert.equal((found.mode ?? 0) & 0o777, 0o660);
    }
    const { status } = await call(stage.socket, "/v1/status");
    assert.equal(status, 200);
    assert.equal(await Deno.readTextFile(tokenFile), "");
    agent.kill("SIGTERM");
    assert.equal((await agent.status).code, 0);
  },
});
