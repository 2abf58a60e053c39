import assert from "node:assert/strict";
import type { Dialect } from "../../src/wire/dialect.ts";
import { AdminClient } from "../../src/cli/admin_client.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

async function nodeIds(admin: AdminClient): Promise<string[]> {
  const answer = await admin.call("GET", "/nodes");
  assert.ok(typeof answer === "object" && answer && "nodes" in answer);
  assert.ok(Array.isArray(answer.nodes));
  return answer.nodes.map((node) => String(node.node_id));
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.sort();
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** A node that has joined, has a report, and does not run. */
async function stoppedNode(
  dialect: Dialect,
): Promise<{ stage: Stage; nodeId: string }> {
  const stage = await Stage.open(dialect);
  await stage.startControlPlane();
  await stage.leaveToken();
  const { node_id } = await stage.startAgent();
  await stage.run("state", "report", "health", "--data", "1");
  await stage.statusWhen("it is synced", ({ sync }) => sync.pending === 0);
  await stage.stopAgent();
  return { stage, nodeId: node_id };
}

for (const dialect of [1, 2] as const) {
  Deno.test(`deregister removes the node upstream, then its identity and trust; reports stay, dialect ${dialect}`, async () => {
    const { stage, nodeId } = await stoppedNode(dialect);
    await using _ = stage;
    const done = await stage.run("deregister");
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stdout, `node ${nodeId} deregistered\n`);
    assert.equal(done.stderr, "");
    assert.deepEqual(await nodeIds(stage.admin), []);
    assert.deepEqual(await namesIn(`${stage.membership}/identity`), [
      "spent-tokens.json",
    ]);
    assert.deepEqual(await namesIn(`${stage.membership}/trust`), []);
    assert.deepEqual(await namesIn(`${stage.membership}/state/report`), [
      "health.json",
    ]);

    const again = await stage.run("deregister");
    assert.equal(again.code, 77, again.stderr);
    assert.match(again.stderr, /no enrolled node/);

    const purged = await stage.run("deregister", "--purge");
    assert.equal(purged.code, 0, purged.stderr);
    assert.match(purged.stderr, /not enrolled; what is left of it goes/);
    assert.equal(await isThere(stage.membership), false);
    assert.equal((await stage.run("deregister", "--purge")).code, 77);

    await stage.leaveToken();
    const joined = await stage.run("join");
    assert.equal(joined.code, 0, joined.stderr);
    assert.notEqual(joined.stdout.includes(nodeId), true);
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`deregister --purge removes the whole membership and says what it held, dialect ${dialect}`, async () => {
    const { stage, nodeId } = await stoppedNode(dialect);
    await using _ = stage;
    const done = await stage.run("deregister", "--purge");
    assert.equal(done.code, 0, done.stderr);
    assert.equal(
      done.stdout,
      `node ${nodeId} deregistered\nlocal data purged\n`,
    );
    assert.match(
      done.stderr,
      /removed \S+clusters\/default, with 1 report and/,
    );
    assert.equal(await isThere(stage.membership), false);
    assert.equal(await isThere(stage.keyFile), true);
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a control plane that cannot be reached removes nothing, unless forced, dialect ${dialect}`, async () => {
    const { stage, nodeId } = await stoppedNode(dialect);
    await using _ = stage;
    await stage.stopControlPlane();
    const before = await namesIn(`${stage.membership}/identity`);
    const failed = await stage.run("deregister", "--purge");
    assert.equal(failed.code, 69, failed.stderr);
    assert.equal(failed.stdout, "");
    assert.match(failed.stderr, /nothing was removed/);
    assert.deepEqual(await namesIn(`${stage.membership}/identity`), before);

    const forced = await stage.run("deregister", "--force");
    assert.equal(forced.code, 0, forced.stderr);
    assert.equal(forced.stdout, `node ${nodeId} deregistered\n`);
    assert.match(forced.stderr, /the control plane still lists this node/);
    assert.equal(
      await isThere(`${stage.membership}/identity/identity.json`),
      false,
    );
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a node that an operator removed already is forgotten all the same, dialect ${dialect}`, async () => {
    const { stage, nodeId } = await stoppedNode(dialect);
    await using _ = stage;
    await stage.admin.call("DELETE", `/nodes/${nodeId}`);
    const done = await stage.run("deregister");
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stdout, `node ${nodeId} deregistered\n`);
    assert.match(done.stderr, /did not know this node any more/);
  });
}

Deno.test("deregister makes nothing on a machine that never joined", async () => {
  await using stage = await Stage.open();
  await stage.configure({ url: "http://127.0.0.1:9" });
  for (const flags of [[], ["--force"], ["--purge"]]) {
    const done = await stage.run("deregister", ...flags);
    assert.equal(done.code, 77, done.stderr);
  }
  assert.equal(await isThere(stage.dataDir), false);
  assert.equal(await isThere(stage.keyFile), false);
});

for (const dialect of [1, 2] as const) {
  Deno.test(`a running agent deregisters when it is asked to, forgets who it was, and ends well, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const done = await stage.run("deregister", "--purge");
    assert.equal(done.code, 0, done.stderr + stage.agentOutput);
    assert.equal(
      done.stdout,
      `node ${node_id} deregistered\nlocal data purged\n`,
    );
    assert.equal(await stage.agent.ends(), 0);
    assert.match(stage.agentOutput, /Node deregistered/);
    assert.doesNotMatch(stage.agentOutput, /Telemetry not sent/);
    assert.deepEqual(await nodeIds(stage.admin), []);
    assert.equal(await isThere(stage.membership), false);
  });
}

Deno.test("a purge beside an agent that waits to join removes nothing, and says what to end", async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await stage.spawnAgent();
  await eventually("it waits to join", async () => {
    const { reasons } = await stage.status();
    return reasons.some(({ reason }) => reason === "not_enrolled") || undefined;
  });
  const refused = await stage.run("deregister", "--purge");
  assert.equal(refused.code, 75, refused.stderr);
  assert.match(refused.stderr, /Process \d+ .*is already using/);
  assert.match(refused.stderr, /end it first/);
  assert.equal(await isThere(stage.membership), true);
  await stage.stopAgent();
  const purged = await stage.run("deregister", "--purge");
  assert.equal(purged.code, 0, purged.stderr);
  assert.equal(await isThere(stage.membership), false);
});

for (const dialect of [1, 2] as const) {
  Deno.test(`a running agent goes on when its control plane cannot be asked, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    await stage.stopControlPlane();
    const failed = await stage.run("deregister");
    assert.equal(failed.code, 69, failed.stderr);
    assert.equal((await stage.status()).node_id, node_id);
    assert.deepEqual(await namesIn(`${stage.membership}/requests`), []);

    const forced = await stage.run("deregister", "--force");
    assert.equal(forced.code, 0, forced.stderr);
    assert.match(forced.stderr, /still lists this node/);
    assert.equal(await stage.agent.ends(), 0);
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a running agent joins anew when it is asked to, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id, pid } = await stage.startAgent();
    const had = await stage.run("join");
    assert.equal(had.code, 0, had.stderr);
    assert.match(had.stderr, /has joined already/);
    assert.match(had.stdout, new RegExp(`^node_id: ${node_id}\n`));

    await stage.leaveToken();
    const joined = await stage.run("join", "--force");
    assert.equal(joined.code, 0, joined.stderr);
    assert.equal(await isThere(stage.tokenFile), false);
    const id = /^node_id: (\S+)\nmesh_ip: \S+\n$/.exec(joined.stdout)?.[1];
    assert.ok(id, joined.stdout);
    assert.notEqual(id, node_id);
    const status = await eventually("the agent is the new node", async () => {
      const status = await stage.status().catch(() => undefined);
      return status?.node_id === id ? status : undefined;
    });
    assert.equal(status.pid, pid);
    assert.ok((await nodeIds(stage.admin)).includes(id));

    await Deno.writeTextFile(stage.tokenFile, "no-such-token", { mode: 0o600 });
    const refused = await stage.run("join", "--force");
    assert.equal(refused.code, 77, refused.stderr);
    assert.match(refused.stderr, /refused the bootstrap token: status 40[13]/);
    assert.match(refused.stderr, /ask for a fresh one/);
    assert.doesNotMatch(refused.stderr, /POST|right address/);
    assert.equal((await stage.status()).node_id, id);
    assert.deepEqual(await namesIn(`${stage.membership}/requests`), []);
  });
}
