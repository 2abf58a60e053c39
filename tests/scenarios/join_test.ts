import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { Identity } from "../../src/store/identity.ts";
import { openMembership } from "../../src/store/membership.ts";
import { loadSealKey } from "../../src/store/seal_key.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { call } from "../node_api/raw_http.ts";
import { processesWith } from "./dev_process.ts";
import { eventually } from "./eventually.ts";
import { filesWith, listing } from "./files.ts";
import { Relay, type Verdict } from "./relay.ts";
import { Stage } from "./stage.ts";

const SECRET_VALUE = "canary-value-6bd1f0c2";

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function enrolledNodes(stage: Stage): Promise<unknown[]> {
  const answer = await stage.admin.call("GET", "/nodes");
  assert.ok(typeof answer === "object" && answer && "nodes" in answer);
  assert.ok(Array.isArray(answer.nodes));
  return answer.nodes;
}

/** The identity of an agent that is not running, secrets opened. */
async function identityOf(stage: Stage): Promise<Identity> {
  const store = await openMembership({
    dataDir: stage.dataDir,
    cluster: "default",
    seal: await loadSealKey({
      keyFile: stage.keyFile,
      create: false,
      random: systemRandom,
    }),
    clock: systemClock,
    random: systemRandom,
    log: new MemoryLog(),
    version: "test",
  });
  try {
    const identity = await store.identity.load();
    assert.ok(identity, "there is no identity");
    return identity;
  } finally {
    await store.close();
  }
}

/** Every way in which a key might lie around in the clear. */
function spellings(key: Uint8Array): (string | Uint8Array)[] {
  return [
    key,
    key.toHex(),
    key.toBase64().replace(/=+$/, ""),
    key.toBase64({ alphabet: "base64url" }).replace(/=+$/, ""),
  ];
}

/** When the agent is killed, from the moment its registration was granted. */
const moments: readonly {
  readonly name: string;
  readonly kill: (stage: Stage, relay: Relay) => Promise<void>;
}[] = [
  {
    name: "before the answer reaches it",
    async kill(stage, relay) {
      const granted = Promise.withResolvers<void>();
      relay.onRegistered = async (): Promise<Verdict> => {
        relay.onRegistered = () => "pass";
        granted.resolve();
        await stage.killAgent();
        return "cut";
      };
      await stage.spawnAgent({ url: relay.url });
      await granted.promise;
      await stage.agent.ends();
    },
  },
  {
    name: "while it stores its identity",
    async kill(stage, relay) {
      const identity = `${stage.membership}/identity`;
      await Deno.mkdir(identity, { recursive: true, mode: 0o700 });
      const granted = Promise.withResolvers<void>();
      relay.onRegistered = () => {
        relay.onRegistered = () => "pass";
        granted.resolve();
        return "pass";
      };
      using changes = Deno.watchFs(identity);
      await stage.spawnAgent({ url: relay.url });
      await granted.promise;
      for await (const { paths } of changes) {
        if (!paths.some((path) => path.includes("node_secret_key"))) continue;
        await stage.killAgent();
        break;
      }
    },
  },
];

for (const dialect of [1, 2] as const) {
  Deno.test(`a token joins one node: it is burnt, its file goes last, and nothing secret is left in the clear, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await using relay = new Relay(() => stage.url);
    const token = await stage.leaveToken();
    let keptUntilAnswer = false;
    relay.onRegistered = async (): Promise<Verdict> => {
      keptUntilAnswer = await isThere(stage.tokenFile);
      return "pass";
    };
    const { node_id } = await stage.startAgent({ url: relay.url });
    assert.ok(keptUntilAnswer, "the token's file went too early");
    assert.equal(await isThere(stage.tokenFile), false);

    const secret = `/nodes/${node_id}/secrets/db`;
    await stage.admin.call("PUT", secret, { value: SECRET_VALUE });
    // In dialect 2 no names of secrets arrive.
    await stage.statusWhen(
      "the secret's name arrives",
      (s) => s.state.secrets === (dialect === 1 ? 1 : 0),
    );
    const read = await call(stage.secretsSocket, "/v1/state/secrets/db");
    assert.equal(read.status, 200, read.body);
    assert.equal(JSON.parse(read.body).value, SECRET_VALUE);
    const printed = [
      await stage.run("--print-state"),
      await stage.run("status", "--output", "json"),
      await stage.run("state"),
    ];

    const nodeSecretKey = relay.registerAnswers[0]!.secret;
    const texts = [token, SECRET_VALUE, nodeSecretKey];
    for (const text of texts) assert.deepEqual(processesWith(text), []);
    await stage.stopAgent();
    const { privateKey, nodeSecretKey: stored } = await identityOf(stage);
    assert.equal(stored, nodeSecretKey);
    const machineKey = await Deno.readTextFile(stage.keyFile);
    const canaries = [
      ...texts,
      ...texts.map((text) => Buffer.from(text).toString("hex")),
      ...spellings(privateKey),
      machineKey.trim(),
    ];
    assert.deepEqual(filesWith(stage.dataDir, canaries), []);
    const said = stage.agentOutput +
      printed.map(({ stdout, stderr }) => stdout + stderr).join("");
    assert.match(said, /Node registered/);
    for (const canary of canaries) {
      if (typeof canary !== "string") continue;
      assert.ok(!said.includes(canary), `written for all to read: ${canary}`);
    }
    // The search would find it: the control plane was told the public key.
    assert.ok(filesWith(stage.dataDir, [node_id]).length > 0);

    const open = listing(stage.dataDir).filter(({ kind, mode, path }) =>
      path.includes("/identity") || path.includes("/trust")
        ? mode !== (kind === "folder" ? 0o700 : 0o600)
        : (mode & 0o077) !== 0
    );
    assert.deepEqual(open, []);
    assert.equal((await Deno.lstat(stage.dataDir)).mode! & 0o777, 0o700);
    assert.equal((await Deno.lstat(stage.keyFile)).mode! & 0o777, 0o600);

    await using other = await Stage.open(dialect);
    await other.configure({ url: stage.url });
    await Deno.writeTextFile(other.tokenFile, token, { mode: 0o600 });
    const second = await other.run("join");
    assert.equal(second.code, 77, second.stderr);
    assert.ok(!(second.stdout + second.stderr).includes(token));
    const waiting = await other.spawnAgent({ url: stage.url });
    await waiting.writes(/This node is not enrolled/);
    assert.ok(!waiting.output.includes(token));
    assert.equal(await Deno.readTextFile(other.tokenFile), token);
    assert.equal((await enrolledNodes(stage)).length, 1);
  });

  Deno.test(`a registration whose answer is lost is asked for again, with the same token, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await using relay = new Relay(() => stage.url);
    await stage.leaveToken();
    relay.onRegistered = () =>
      relay.registerAnswers.length === 1 ? "cut" : "pass";
    const { node_id } = await stage.startAgent({ url: relay.url });
    assert.equal(await isThere(stage.tokenFile), false);
    const [lost, kept] = relay.registerAnswers;
    assert.equal(relay.registerAnswers.length, 2);
    assert.equal(lost?.node_id, node_id);
    assert.equal(kept?.node_id, node_id);
    assert.notEqual(lost?.secret, kept?.secret);
    assert.equal((await enrolledNodes(stage)).length, 1);
    await stage.statusWhen("it streams", (s) => s.stream.state === "streaming");
    await stage.stopAgent();
  });

  for (const { name, kill } of moments) {
    Deno.test(`an agent killed ${name} joins as the same node when it starts again, dialect ${dialect}`, async () => {
      await using stage = await Stage.open(dialect);
      await stage.startControlPlane();
      await using relay = new Relay(() => stage.url);
      await stage.leaveToken();
      await kill(stage, relay);
      const complete = await isThere(
        `${stage.membership}/identity/identity.json`,
      );
      assert.ok(
        complete || await isThere(stage.tokenFile),
        "the token is gone, and there is no identity",
      );
      const { node_id } = await stage.startAgent({ url: relay.url });
      assert.equal(node_id, relay.registerAnswers[0]?.node_id);
      assert.equal((await enrolledNodes(stage)).length, 1);
      await eventually("it is in good standing", async () => {
        const { stream, reasons } = await stage.status();
        return stream.state === "streaming" && reasons.length === 0 ||
          undefined;
      });
      await stage.stopAgent();
    });
  }
}
