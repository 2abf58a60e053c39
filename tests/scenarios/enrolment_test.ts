import assert from "node:assert/strict";
import type { Dialect } from "../../src/wire/dialect.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { eventually } from "./eventually.ts";
import { planeForm } from "./plane_form.ts";
import { Stage } from "./stage.ts";

const reasonsOf = ({ reasons }: StatusDocument) =>
  reasons.map(({ reason }) => reason);

const isEnrolled = (status: StatusDocument) =>
  status.node_id !== "" && status.stream.state === "streaming" &&
  !reasonsOf(status).includes("not_enrolled");

/** Starts an agent that has nothing to join with. */
async function startWaiting(stage: Stage): Promise<StatusDocument> {
  await stage.spawnAgent();
  return await waiting(stage);
}

const waiting = (stage: Stage) =>
  eventually("the agent waits", async () => {
    const status = await stage.status();
    return status.node_id === "" ? status : undefined;
  });

async function withControlPlane(dialect: Dialect): Promise<Stage> {
  const stage = await Stage.open(dialect);
  await stage.startControlPlane();
  return stage;
}

const credentialsOf = (stage: Stage) =>
  `${stage.membership}/identity/credentials.json`;

for (const dialect of [1, 2] as const) {
  Deno.test(`plexd up without a token serves what it can, and joins when it is asked to, dialect ${dialect}`, async () => {
    await using stage = await withControlPlane(dialect);
    const status = await startWaiting(stage);
    assert.deepEqual(reasonsOf(status), ["not_enrolled"]);
    assert.equal(status.identity.enrollment, "not_enrolled");
    const [{ detail }] = status.reasons as [StatusDocument["reasons"][number]];
    assert.ok(detail.includes(stage.tokenFile), detail);
    assert.match(detail, /plexd join/);
    await stage.agent.writes(/not enrolled.*plexd join/);

    for (const path of ["", "/metadata", "/data/x", "/secrets"]) {
      const { status, body } = await stage.local(`/v1/state${path}`);
      assert.equal(status, 503);
      assert.equal(
        body,
        '{"error":"not enrolled","reason":"not_enrolled"}\n',
      );
    }
    const report = JSON.stringify({ content_type: "a/b", payload: { up: 1 } });
    const written = await stage.local("/v1/state/report/early", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: report,
    });
    assert.equal(written.status, 200, written.body);
    for (
      const command of [
        ["state"],
        ["secrets", "get", "x"],
        ["secrets", "list"],
        ["watch"],
        ["--print-state"],
        ["reconcile"],
        ["store", "accept-epoch"],
      ]
    ) {
      const { code, stderr } = await stage.run(...command);
      assert.equal(code, 77, `${command}: ${stderr}`);
      assert.match(stderr, /not enrolled/);
    }
    const looked = await stage.run("status");
    assert.equal(looked.code, 0, looked.stderr);
    assert.match(looked.stdout, /not_enrolled/);
    assert.match(looked.stdout, /^Node +not enrolled, membership default$/m);
    assert.doesNotMatch(looked.stdout, /stale|^Stream|^Signed state/m);
    assert.equal((await stage.run("why")).code, 77);

    await stage.leaveToken();
    await Deno.rename(stage.tokenFile, `${stage.folder}/elsewhere`);
    const joined = await stage.run(
      "join",
      "--token-file",
      `${stage.folder}/elsewhere`,
    );
    assert.equal(joined.code, 0, joined.stderr);
    const enrolled = await stage.statusWhen("it serves", isEnrolled);
    assert.equal(enrolled.pid, status.pid);
    assert.equal((await stage.local("/v1/state")).status, 200);
    await stage.statusWhen(
      "the report went up",
      ({ sync }) => sync.pending === 0,
    );
    const { body } = await stage.local("/v1/state/report/early");
    assert.match(body, /"up":1/);
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a token file that appears is enough, and one that is refused is not tried again, dialect ${dialect}`, async () => {
    await using stage = await withControlPlane(dialect);
    const token = planeForm(dialect).token("nobody");
    await Deno.writeTextFile(stage.tokenFile, token, { mode: 0o600 });
    const { pid } = await startWaiting(stage);
    const refused = await stage.statusWhen(
      "the token is refused",
      ({ reasons }) => reasons.some(({ detail }) => /failed/.test(detail)),
    );
    assert.deepEqual(reasonsOf(refused), ["not_enrolled"]);
    assert.match(refused.reasons[0]!.detail, /the control plane|refused/i);
    await stage.leaveToken();
    const enrolled = await stage.statusWhen("it has joined", isEnrolled);
    assert.equal(enrolled.pid, pid);
    const failures = stage.agentOutput.match(/"Joining failed"/g) ?? [];
    assert.equal(failures.length, 1, stage.agentOutput);
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`credentials that are taken away sign the node off until they are put back, dialect ${dialect}`, async () => {
    await using stage = await withControlPlane(dialect);
    await stage.leaveToken();
    const { node_id, pid } = await stage.startAgent();
    await stage.statusWhen("it streams", isEnrolled);
    const file = credentialsOf(stage);
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    await Deno.rename(file, `${stage.folder}/kept`);
    await waiting(stage);
    assert.equal((await stage.local("/v1/state")).status, 503);
    const why = await stage.run("why");
    assert.equal(why.code, 77);
    assert.match(why.stdout, /credentials\.json was taken away; .*put back/);
    const left = await stage.run("deregister", "--force");
    assert.equal(left.code, 77, left.stderr);
    assert.match(left.stderr, /not enrolled/);
    assert.doesNotMatch(left.stderr, /--force/);
    const purged = await stage.run("deregister", "--purge");
    assert.equal(purged.code, 75, purged.stderr);
    assert.match(purged.stderr, /end it first/);

    // It stays so over a restart: this is no membership of an older version.
    await stage.stopAgent();
    const again = await startWaiting(stage);
    assert.notEqual(again.pid, pid);
    await Deno.rename(`${stage.folder}/kept`, file);
    const back = await stage.statusWhen("it is enrolled again", isEnrolled);
    assert.equal(back.node_id, node_id);
    assert.equal(back.pid, again.pid);
    const { stdout } = await stage.run("events");
    assert.match(stdout, /the credentials were taken away/);
    assert.match(stdout, /there are credentials again/);
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`damaged credentials change nothing in use, and a sound copy ends that, dialect ${dialect}`, async () => {
    await using stage = await withControlPlane(dialect);
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const before = await stage.statusWhen("it streams", isEnrolled);
    const file = credentialsOf(stage);
    const sound = await Deno.readFile(file);
    await Deno.writeFile(file, sound.slice(0, 40));
    const damaged = await stage.statusWhen(
      "the damage is seen",
      (status) => reasonsOf(status).includes("credentials_invalid"),
    );
    assert.equal(damaged.node_id, node_id);
    assert.equal(damaged.stream.since, before.stream.since);
    const why = await stage.run("why");
    assert.match(why.stdout, /credentials/);

    // The identity itself is sound, so a restart works as well.
    await stage.stopAgent();
    await stage.startAgent();
    const restarted = await stage.statusWhen("it streams again", isEnrolled);
    assert.ok(reasonsOf(restarted).includes("credentials_invalid"));
    await Deno.writeFile(file, sound);
    const well = await stage.statusWhen(
      "the copy is noticed",
      (status) => !reasonsOf(status).includes("credentials_invalid"),
    );
    assert.equal(well.stream.since, restarted.stream.since);
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a membership of an older version gets its credentials file once, dialect ${dialect}`, async () => {
    await using stage = await withControlPlane(dialect);
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    await stage.stopAgent();
    await Deno.remove(credentialsOf(stage));
    await Deno.remove(`${stage.membership}/identity/enrolled.json`);
    const status = await stage.startAgent();
    assert.equal(status.node_id, node_id);
    assert.ok((await Deno.stat(credentialsOf(stage))).isFile);
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a node that is removed is told once, lives on, and asks at once when somebody cares, dialect ${dialect}`, async () => {
    await using stage = await withControlPlane(dialect);
    await stage.leaveToken();
    const { node_id, pid } = await stage.startAgent();
    const before = await stage.statusWhen("it streams", isEnrolled);
    assert.equal(before.credential?.check, "ok");
    assert.match(before.credential?.fingerprint ?? "", /^sha256:[0-9a-f]{64}$/);
    await stage.admin.call("DELETE", `/nodes/${node_id}`);
    const refused = await stage.statusWhen(
      "the refusal is seen",
      (status) =>
        reasonsOf(status).includes("unauthorized") &&
        status.credential?.check === "invalid",
    );
    assert.equal(refused.pid, pid);
    assert.equal((await stage.local("/v1/state")).status, 200);
    const file = credentialsOf(stage);
    await Deno.rename(file, `${file}.x`);
    await Deno.copyFile(`${file}.x`, file);
    await eventually(
      "all parts have begun anew",
      () =>
        /Credentials read anew[\s\S]*Agent started/.test(stage.agentOutput) ||
        undefined,
    );
    await stage.statusWhen(
      "it is refused still",
      (status) => status.credential?.check === "invalid",
    );
    const { stdout } = await stage.run("events", "--output", "json");
    const { events } = JSON.parse(stdout) as { events: { type: string }[] };
    const count = (wanted: string) =>
      events.filter(({ type }) => type === wanted).length;
    assert.equal(count("unauthorized"), 1, stdout);
    const status = await stage.run("status");
    assert.match(status.stdout, /Credential +refused by the control plane/);

    await stage.leaveToken();
    await Deno.rename(stage.tokenFile, `${stage.folder}/fresh`);
    const joined = await stage.run(
      ...["join", "--force", "--token-file", `${stage.folder}/fresh`],
    );
    assert.equal(joined.code, 0, joined.stderr);
    const anew = await stage.statusWhen(
      "it is another node",
      (status) => isEnrolled(status) && status.node_id !== node_id,
    );
    assert.equal(anew.pid, pid);
    assert.notEqual(
      anew.credential?.fingerprint,
      before.credential?.fingerprint,
    );
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a node that is removed joins anew with a fresh token, and knows its peers at once, dialect ${dialect}`, async () => {
    await using stage = await withControlPlane(dialect);
    await using other = await Stage.open(dialect);
    // What is known soon was pulled at the start, or when the stream opened.
    const settings = { reconcile: { interval: "10m" } };
    other.shareControlPlane(stage);
    await other.leaveToken();
    const peer = await other.startAgent({ settings });
    await stage.leaveToken();
    const { node_id, pid } = await stage.startAgent({ settings });
    const knowsPeer = ({ stream, caches }: StatusDocument) =>
      stream.state === "streaming" && caches.peers === 1;
    await stage.statusWhen("it knows its peer", knowsPeer);

    await stage.leaveToken();
    await stage.admin.call("DELETE", `/nodes/${node_id}`);
    const anew = await stage.statusWhen(
      "another node knows the peer",
      (status) => status.node_id !== node_id && knowsPeer(status),
    );
    assert.equal(anew.pid, pid);
    const { stdout } = await stage.run("peers", "--output=json");
    const { peers } = JSON.parse(stdout) as { peers: { id: string }[] };
    assert.deepEqual(peers.map(({ id }) => id), [peer.node_id]);
    await stage.stopAgent();
    await other.stopAgent();
  });
}

Deno.test("a number that was given out anew confuses nobody who asks for the holder", async () => {
  await using stage = await withControlPlane(1);
  await stage.leaveToken();
  const { pid } = await stage.startAgent();
  const lock = `${stage.membership}/lock`;
  const sound = await Deno.readTextFile(lock);
  const second = await stage.run("up");
  assert.equal(second.code, 75, second.stderr);
  assert.match(
    second.stderr,
    new RegExp(`Process ${pid} \\(plexd .*, since 20.*\\) is already using`),
  );
  const [, since, version, ticks] = sound.split("\n");
  const left = [
    `9999999\n${since}\n${version}\n\n`,
    // The installed program may not read when a process was started.
    ...(ticks === ""
      ? []
      : [`${Deno.pid}\n${since}\n${version}\n${Number(ticks) - 1}\n`]),
  ];
  for (const text of left) {
    await Deno.writeTextFile(lock, text);
    const other = await stage.run("up");
    assert.equal(other.code, 75, other.stderr);
    assert.match(other.stderr, /Another process is already using/);
  }

  // Left by an agent that was killed, its number taken by somebody else.
  await stage.killAgent();
  await Deno.writeTextFile(lock, `${Deno.pid}\n${since}\n${version}\n1\n`);
  const status = await stage.run("status", "--output", "json");
  assert.equal(JSON.parse(status.stdout).holder, null);
  await stage.startAgent();
  await stage.stopAgent();
});
