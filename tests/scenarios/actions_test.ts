import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

/** As the control plane lists it: what became of it in the words of a dialect. */
interface Execution {
  readonly execution_id: string;
  readonly state: string;
  /** Dialect 1: why it was rejected. */
  readonly reason?: string | null;
  readonly result?: {
    readonly status: string;
    readonly exit_code?: number;
    /** Dialect 1. */
    readonly stdout?: string;
    readonly stderr?: string;
    /** Dialect 2: here is why it was rejected. */
    readonly error?: string;
    readonly output?: string;
  } | null;
}

/** What became of an execution, in the words of dialect 1. */
interface Outcome {
  readonly id: string;
  readonly status: string;
  /** Why it was rejected, or failed. */
  readonly reason: string | undefined;
  readonly exitCode: number | undefined;
  readonly output: string;
}

function outcomeOf(execution: Execution): Outcome {
  const { execution_id: id, state, reason, result } = execution;
  const { status, exit_code: exitCode, stdout, stderr, error, output } =
    result ?? { status: state };
  return {
    id,
    exitCode,
    reason: error ?? reason ?? undefined,
    output: output ?? `${stdout ?? ""}${stderr ?? ""}`,
    status: status === "succeeded"
      ? "success"
      : error === undefined
      ? status
      : error === "error" || error === "timeout"
      ? error
      : "rejected",
  };
}

/** Asks for an action. @returns the execution's id. */
async function ask(
  stage: Stage,
  nodeId: string,
  action: string,
): Promise<string> {
  const { execution_id } = await stage.admin.call(
    "POST",
    `/nodes/${nodeId}/actions`,
    { action, parameters: { word: "hello" } },
  ) as { execution_id: string };
  return execution_id;
}

/** Asks for an action and waits until the control plane knows what became of it. */
async function asked(
  stage: Stage,
  nodeId: string,
  action: string,
): Promise<Outcome> {
  return await over(stage, nodeId, action, await ask(stage, nodeId, action));
}

/** Waits until the control plane knows what became of an execution. */
async function over(
  stage: Stage,
  nodeId: string,
  action: string,
  execution_id: string,
): Promise<Outcome> {
  const path = `/nodes/${nodeId}`;
  return await eventually(`${action} is over`, async () => {
    const { executions } = await stage.admin.call(
      "GET",
      `${path}/executions`,
    ) as { executions: Execution[] };
    const found = executions.find((one) => one.execution_id === execution_id);
    return found && (found.result || found.state === "rejected")
      ? outcomeOf(found)
      : undefined;
  });
}

async function script(stage: Stage, text: string): Promise<string> {
  const path = `${stage.folder}/greet`;
  await Deno.writeTextFile(path, text, { mode: 0o700 });
  return path;
}

for (const dialect of [1, 2] as const) {
  Deno.test(`an action runs when it is configured, and is rejected otherwise, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const greet = await script(stage, "#!/bin/sh\ncat; echo; exit 3\n");
    const { node_id } = await stage.startAgent();
    const off = await asked(stage, node_id, "greet");
    assert.equal(off.status, "rejected");
    assert.equal(off.reason, "actions_disabled");
    assert.match((await stage.run("actions")).stderr, /actions are off/);
    await stage.stopAgent();

    await stage.startAgent({
      settings: { actions: { enabled: true, commands: { greet } } },
    });
    const unknown = await asked(stage, node_id, "other");
    assert.equal(unknown.status, "rejected");
    assert.equal(unknown.reason, "unknown_action");
    const ran = await asked(stage, node_id, "greet");
    assert.equal(ran.status, "failed");
    assert.equal(ran.exitCode, 3);
    assert.deepEqual(JSON.parse(ran.output), { word: "hello" });
    const { stdout } = await stage.run("actions");
    assert.ok(stdout.includes(greet), stdout);
    assert.ok(stdout.includes(ran.id), stdout);
    assert.match(stdout, /REJECTED .*\n.* other: unknown_action \(/);
    assert.match(stdout, / greet: actions_disabled \(/);
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`an action that runs while the agent is killed ends as an error, and runs once, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const wait = await script(
      stage,
      `#!/bin/sh\necho ran >> ${stage.folder}/runs\n` +
        `while [ ! -e ${stage.folder}/go ]; do sleep 0.05; done\n` +
        `echo ended >> ${stage.folder}/runs\n`,
    );
    const options = {
      settings: { actions: { enabled: true, commands: { wait } } },
    };
    const runs = async () =>
      await Deno.readTextFile(`${stage.folder}/runs`).catch(() => "");
    const { node_id } = await stage.startAgent(options);
    const execution = await ask(stage, node_id, "wait");
    await eventually("it runs", async () => await runs() || undefined);
    await stage.killAgent();
    try {
      await stage.startAgent(options);
      const outcome = await over(stage, node_id, "wait", execution);
      assert.equal(outcome.status, "error");
      assert.match(outcome.output, /the agent ended while it ran/);
      assert.equal(await runs(), "ran\n");
      await stage.statusWhen(
        "the node knows that it is reported",
        ({ tasks }) => tasks.results_unreported === 0,
      );
      await stage.stopAgent();
    } finally {
      // What a killed agent has left behind would wait for ever.
      await Deno.writeTextFile(`${stage.folder}/go`, "");
      await eventually(
        "it has ended",
        async () => (await runs()).includes("ended") || undefined,
      );
    }
    const { stdout } = await stage.run("actions", "--output", "json");
    const shown = JSON.parse(stdout);
    assert.equal(shown.enabled, true);
    assert.equal(shown.actions[0].mode, "0700");
    assert.equal(shown.executions.length, 1);
    assert.equal(shown.executions[0].status, "error");
    assert.equal(shown.executions[0].reported, true);
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a result waits for a control plane that is away, also over a crash, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const wait = await script(
      stage,
      `#!/bin/sh\necho ran >> ${stage.folder}/runs\n` +
        `while [ ! -e ${stage.folder}/go ]; do sleep 0.05; done\ncat\n`,
    );
    const options = {
      settings: { actions: { enabled: true, commands: { wait } } },
    };
    const { node_id } = await stage.startAgent(options);
    const execution = await ask(stage, node_id, "wait");
    const runs = `${stage.folder}/runs`;
    await eventually("it runs", () => Deno.readTextFile(runs));
    await stage.stopControlPlane();
    await Deno.writeTextFile(`${stage.folder}/go`, "");
    await stage.statusWhen(
      "it has ended, and nobody has heard of it",
      ({ tasks }) =>
        tasks.actions_running === 0 && tasks.results_unreported > 0,
    );
    assert.match((await stage.run("status")).stdout, /1 results? unreported/);
    await stage.killAgent();
    await stage.startControlPlane();
    await stage.startAgent(options);
    const outcome = await over(stage, node_id, "wait", execution);
    assert.equal(outcome.status, "success");
    assert.deepEqual(JSON.parse(outcome.output), { word: "hello" });
    assert.equal(await Deno.readTextFile(runs), "ran\n");
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`the node's key rotates when the control plane asks for it, and once, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const keyOf = async () => {
      const node = await stage.admin.call("GET", `/nodes/${node_id}`) as {
        public_key: string;
      };
      return node.public_key;
    };
    const before = await keyOf();
    await stage.admin.call("POST", `/nodes/${node_id}/rotate-keys`);
    const status = await stage.statusWhen(
      "the rotation is complete",
      ({ tasks }) => tasks.key_rotation.last_at !== null,
    );
    assert.equal(status.tasks.key_rotation.pending_since, null);
    const after = await keyOf();
    assert.notEqual(after, before);
    const identity = JSON.parse(
      await Deno.readTextFile(`${stage.membership}/identity/identity.json`),
    ) as { public_key: string };
    assert.equal(identity.public_key, after);

    // The new identity is whole: the node is still the same one after a restart.
    await stage.stopAgent();
    const again = await stage.startAgent();
    assert.equal(again.node_id, node_id);
    await stage.statusWhen(
      "streaming",
      ({ stream }) => stream.state === "streaming",
    );
    assert.equal(await keyOf(), after);
    await stage.stopAgent();
  });
}
