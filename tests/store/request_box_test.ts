import assert from "node:assert/strict";
import {
  leaveRequest,
  type NewRequest,
  RequestPendingError,
} from "../../src/store/leave_request.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { filesWith } from "../scenarios/files.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { failureFrom } from "../uplink/serve.ts";
import { inFolder, openStore } from "./open_store.ts";

const TOKEN = "canary-token-4e1b7a";
const seal = await sealKeyFrom(new Uint8Array(32).fill(7), "file");
const otherSeal = await sealKeyFrom(new Uint8Array(32).fill(8), "file");
const DEREGISTER: NewRequest = { kind: "deregister", force: false };

function leave(dataDir: string, request: NewRequest) {
  const options = { dataDir, cluster: "default", random: systemRandom };
  return leaveRequest(options, request);
}

async function namesIn(dataDir: string): Promise<string[]> {
  const names: string[] = [];
  const folder = `${dataDir}/clusters/default/requests`;
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.sort();
}

Deno.test("a request reaches the agent, its answer the command, and nothing stays", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    assert.equal(await store.requests.read(), undefined);
    const left = await leave(dataDir, { kind: "deregister", force: true });
    assert.equal(left.answer(), undefined);
    assert.equal(left.isGone(), false);
    const open = await store.requests.read();
    assert.deepEqual(open?.request, { kind: "deregister", force: true });
    const answer = {
      outcome: "done",
      message: "",
      remedy: "token",
      nodeId: "n_1",
    } as const;
    store.requests.answer(open!.id, answer);
    assert.deepEqual(left.answer(), answer);
    left.withdraw();
    assert.deepEqual(await namesIn(dataDir), []);
    assert.equal(left.isGone(), true);
  });
});

Deno.test("a request is a file of the owner alone, and its token is sealed", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    await leave(dataDir, { kind: "join", token: TOKEN, seal });
    const file = `${dataDir}/clusters/default/requests/request.json`;
    assert.equal((await Deno.lstat(file)).mode! & 0o777, 0o600);
    const spellings = [TOKEN, new TextEncoder().encode(TOKEN).toBase64()];
    assert.deepEqual(filesWith(dataDir, spellings), []);
    const open = await store.requests.read();
    assert.deepEqual(open?.request, { kind: "join", token: TOKEN });
  });
});

Deno.test("a token that was sealed with another key is told, not tried", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    await leave(dataDir, { kind: "join", token: TOKEN, seal: otherSeal });
    const open = await store.requests.read();
    assert.equal(open?.request.kind, "unusable");
    assert.ok(!JSON.stringify(open).includes(TOKEN));
  });
});

Deno.test("a second command does not replace the request of the first", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    const first = await leave(dataDir, DEREGISTER);
    const failure = await failureFrom(leave(dataDir, DEREGISTER));
    assert.ok(failure instanceof RequestPendingError);
    assert.deepEqual(await namesIn(dataDir), ["request.json"]);
    first.withdraw();
    await leave(dataDir, DEREGISTER);
  });
});

Deno.test("a command neither reads the answer to another's request nor takes it away", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    const first = await leave(dataDir, DEREGISTER);
    store.requests.clear();
    const second = await leave(dataDir, DEREGISTER);
    const open = await store.requests.read();
    store.requests.answer(open!.id, { outcome: "failed", message: "no" });
    assert.equal(first.answer(), undefined);
    assert.equal(first.isGone(), true);
    first.withdraw();
    assert.equal(second.answer()?.outcome, "failed");
  });
});

Deno.test("what was asked of an agent that has ended does not happen later", async () => {
  await inFolder(async (dataDir) => {
    const before = await openStore(dataDir);
    const left = await leave(dataDir, DEREGISTER);
    await before.store.close();
    const { store } = await openStore(dataDir);
    await using _ = store;
    assert.equal(await store.requests.read(), undefined);
    assert.equal(left.isGone(), true);
    assert.deepEqual(await namesIn(dataDir), []);
  });
});

Deno.test("a file that is no request is removed, and said to be none", async () => {
  await inFolder(async (dataDir) => {
    const { store, log } = await openStore(dataDir);
    await using _ = store;
    const file = `${dataDir}/clusters/default/requests/request.json`;
    for (const text of ["", "{", '{"format":1,"id":"","request":{}}']) {
      await Deno.writeTextFile(file, text);
      assert.equal(await store.requests.read(), undefined);
      assert.deepEqual(await namesIn(dataDir), []);
    }
    assert.equal(log.lines.filter(({ level }) => level === "warn").length, 3);
  });
});

Deno.test("forgetNode() leaves state and reports, and nothing that says who the node was", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await store.trust.save({
      current: "key",
      retired: [],
      signedChange: false,
    });
    await store.events.resetCursor();
    store.identityRecord.observe({
      nodeId: "node-1",
      enrollment: "enrolled",
      sealRef: "credential:plexd.seal",
      sealKeyId: store.sealKey.id,
      revocations: [],
    });
    await store.reports.put("r", { contentType: "text/plain", payload: "1" });
    await store.forgetNode();
    await store.close();
    const { store: again } = await openStore(dataDir);
    await using _ = again;
    assert.equal(await again.identity.load(), undefined);
    assert.equal(again.identityRecord.facts, undefined);
    assert.equal(again.trust.load(), undefined);
    assert.equal(again.reports.get("r")?.payload, "1");
  });
});

Deno.test({
  name: "a request of the administrator belongs to the user of the agent",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (dataDir) => {
      const { store } = await openStore(dataDir);
      await using _ = store;
      const root = `${dataDir}/clusters/default`;
      await Deno.chown(root, 65_534, 65_534);
      await leave(dataDir, DEREGISTER);
      const file = `${root}/requests/request.json`;
      const { uid, gid, mode } = await Deno.lstat(file);
      assert.deepEqual([uid, gid, mode! & 0o777], [65_534, 65_534, 0o600]);
    }),
});

Deno.test("a request that cannot be left says that it was the request", async () => {
  await inFolder(async (dataDir) => {
    const failure = await failureFrom(leave(dataDir, DEREGISTER));
    assert.ok(failure instanceof StoreWriteError);
    assert.match(failure.message, /^Cannot store the request to the agent: /);
  });
});
