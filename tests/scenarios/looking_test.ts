import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

Deno.test("an engineer at the terminal of a node learns how it is, with and without its agent", async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await stage.configure();
  const fresh = await stage.run("why");
  assert.equal(fresh.code, 77, fresh.stderr);
  assert.match(
    fresh.stdout,
    /no enrolled node in .*\n {2}put a one-time token/,
  );

  await stage.leaveToken();
  const { node_id } = await stage.startAgent();
  await stage.admin.call("PUT", `/nodes/${node_id}/secrets/pw`, {
    value: "canary\nvalue",
  });
  await stage.statusWhen(
    "the secret is known",
    ({ state, stream, status }) =>
      state.secrets === 1 && stream.state === "streaming" && status === "ok",
  );

  const well = await stage.run("why");
  assert.match(well.stdout, /^All is well, for \d+s\.\n$/);
  assert.equal(well.code, 0);
  const events = await stage.run("events");
  assert.match(
    events.stdout,
    /^AT +EVENT +CARRIER +REASON\n\S+ +start +- +plexd /,
  );
  assert.match(events.stdout, / connect +sse /);

  const value = await stage.run("secrets", "get", "pw");
  assert.equal(value.stdout, "canary\nvalue\n", value.stderr);
  const raw = await stage.run("secrets", "get", "pw", "--raw");
  assert.equal(raw.stdout, "canary\nvalue");
  const absent = await stage.run("secrets", "get", "none");
  assert.equal(absent.code, 3, absent.stderr);

  const report = (...words: string[]) => stage.run("state", "report", ...words);
  assert.equal((await report("r", "--data", "1", "--create")).code, 0);
  assert.equal((await report("r", "--data", "1", "--create")).code, 1);
  assert.match((await report("r")).stdout, /"version": 1\b/);
  assert.equal((await report("r", "--data", "2", "--if-match", "1")).code, 0);
  const late = await report("r", "--data", "3", "--if-match", "1");
  assert.equal(late.code, 1);
  assert.match(late.stderr, /at another version, and was left as it is/);
  const own = await report("plexd.mine", "--data", "1");
  assert.equal(own.code, 1);
  assert.match(own.stderr, /"plexd\." are the agent's own/);
  assert.equal((await report("r", "--delete")).stdout, "report r removed\n");
  assert.equal((await report("r")).code, 3);

  const pulled = await stage.run("reconcile");
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.match(pulled.stderr, /pulled; nothing changed/);

  const foreign = await stage.run("status", "--cluster", "other");
  assert.equal(foreign.code, 1);
  assert.match(foreign.stderr, /membership "default", not of "other"/);
  assert.equal((await stage.run("state", "--cluster", "other")).code, 1);

  await stage.stopControlPlane();
  const unpulled = await stage.run("reconcile");
  assert.equal(unpulled.code, 69, unpulled.stderr);
  const unreachable = await stage.run("secrets", "get", "pw");
  assert.equal(unreachable.code, 69, unreachable.stderr);
  await stage.statusWhen("it is degraded", ({ status }) => status !== "ok");
  const degraded = await stage.run("why");
  assert.equal(degraded.code, 1);
  assert.match(
    degraded.stdout,
    /gives no usable answer .*refused.*still works: reads.*\n.*plexd ping/,
  );
  assert.equal((await stage.run("status")).code, 0);

  await eventually("it is on disk", async () => {
    const file = `${stage.membership}/health/health.json`;
    const text = await Deno.readTextFile(file);
    return text.includes("control_plane_unreachable") || undefined;
  });
  await stage.killAgent();
  const killed = await stage.run("status");
  assert.equal(killed.code, 4);
  assert.match(killed.stdout, /was killed or crashed/);
  assert.match(killed.stdout, /then control_plane_unreachable since/);
  assert.ok(killed.stdout.includes(node_id));
  const json = await stage.run("status", "--output", "json");
  assert.equal(JSON.parse(json.stdout).status, "not_running");
  assert.equal((await stage.run("reconcile")).code, 4);
  const why = await stage.run("why");
  assert.equal(why.code, 4);
  assert.match(why.stdout, /^The agent is not running: .*\n.*plexd logs/);
  const stored = await stage.run("events");
  assert.equal(stored.code, 0, stored.stderr);
  assert.match(stored.stdout, / start /);
  assert.match(stored.stderr, /no agent is running/);
});

Deno.test("plexd why says what is wrong with the configuration", async () => {
  await using stage = await Stage.open();
  await Deno.writeTextFile(
    `${stage.folder}/agent.yaml`,
    "api:\n  base_ulr: https://x\nlog_lvel: info\n",
  );
  const { code, stdout } = await stage.run("why");
  assert.equal(code, 78);
  assert.match(stdout, /agent\.yaml:2:3: .* \(and 1 more\)\.\n.*config check/);
});
