import assert from "node:assert/strict";
import { openMembership } from "../../src/store/membership.ts";
import { loadSealKey } from "../../src/store/seal_key.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { type SeenRequest, TestServer } from "../uplink/serve.ts";
import { runPlexd } from "./run_plexd.ts";

const SECRET = "hunter2/hunter2";

interface Place {
  readonly folder: string;
  readonly seen: readonly SeenRequest[];
  readonly run: (
    words: readonly string[],
    stdin?: string,
  ) => ReturnType<typeof runPlexd>;
}

/** Runs commands of a node that has joined the control plane of `handler`. */
async function asNode(
  handler: (request: SeenRequest) => Response,
  work: (place: Place) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  try {
    await using server = new TestServer(handler);
    const keyFile = `${folder}/machine.key`;
    const random = new FakeRandom();
    await using _store = await enrolled(folder, keyFile, random, server.url);
    const env = {
      PLEXD_API_BASE_URL: server.url,
      PLEXD_DATA_DIR: folder,
      PLEXD_SEAL_KEY_FILE: keyFile,
    };
    const run = (words: readonly string[], stdin?: string) =>
      runPlexd(words, { env, ...(stdin === undefined ? {} : { stdin }) });
    await work({ folder, seen: server.seen, run });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The store stays open, as it is while the agent runs. */
async function enrolled(
  dataDir: string,
  keyFile: string,
  random: FakeRandom,
  controlPlane: string,
) {
  const store = await openMembership({
    dataDir,
    cluster: "default",
    seal: () => loadSealKey({ keyFile, create: true, random }),
    clock: new FakeClock(),
    random,
    log: new MemoryLog(),
  });
  await store.identity.save({
    nodeId: "n 1",
    meshIp: "10.0.0.1",
    dialect: 1,
    controlPlane,
    enrolledAt: "2026-03-01T12:00:00Z",
    publicKey: "cHVi",
    signingPublicKey: "c2ln",
    privateKey: new Uint8Array(32),
    nodeSecretKey: SECRET,
  });
  return store;
}

Deno.test("plexd call asks as this node and prints the answer, never its secret", async () => {
  const answer =
    `{"n":1.0,"echo":["${SECRET}","hunter2\\/hunter2","\\u0068unter2/hunter2"]}`;
  await asNode(() => new Response(answer), async ({ seen, run }) => {
    const get = await run(["call", "GET", "/v1/nodes/{node_id}/state"]);
    assert.equal(get.code, 0, get.stderr);
    assert.match(get.stdout, /"n": 1\.0,/);
    assert.match(get.stdout, /("\[redacted\]",?\s+){3}\]/);
    assert.equal(seen[0]?.path, "/v1/nodes/n%201/state");
    assert.equal(seen[0]?.headers.get("authorization"), `Bearer ${SECRET}`);

    const put = await run(["call", "PUT", "/x", "--data", "-"], '{"a": 1.0}');
    assert.equal(put.code, 0, put.stderr);
    assert.equal(new TextDecoder().decode(seen[1]?.body), '{"a": 1.0}');
    assert.doesNotMatch(get.stdout + get.stderr + put.stdout, /hunter2/);
  });
});

Deno.test("plexd call says why it failed", async () => {
  const headers = {
    "content-type": "application/problem+json",
    "x-correlation-id": "0194af",
  };
  const problem = `{"code":"token_gone","detail":"bearer ${SECRET}"}`;
  await asNode(
    ({ path }) =>
      path === "/html"
        ? new Response("<html>")
        : new Response(problem, { status: 403, headers }),
    async ({ run }) => {
      const refused = await run(["call", "POST", "/x", "--data", "{}"]);
      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        /status 403 \(token_gone\): bearer \[redacted\] \[correlation id 0194af\]/,
      );
      const html = await run(["call", "GET", "/html"]);
      assert.equal(html.code, 1);
      assert.match(html.stderr, /not JSON/);
      for (
        const words of [
          ["HEAD", "/x"],
          ["GET", "x"],
          ["GET", "/a b"],
          ["POST", "/x", "--data", "{"],
          ["GET", "/x", "--data", "{}"],
        ]
      ) {
        assert.equal((await run(["call", ...words])).code, 2, words.join(" "));
      }
    },
  );
});

Deno.test("plexd call needs a node that has joined", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stderr } = await runPlexd(["call", "GET", "/x"], {
      env: {
        PLEXD_API_BASE_URL: "http://127.0.0.1:9",
        PLEXD_DATA_DIR: folder,
        PLEXD_SEAL_KEY_FILE: `${folder}/machine.key`,
      },
    });
    assert.equal(code, 77, stderr);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("plexd download puts a release into a file and prints its sum", async () => {
  const sum =
    "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0";
  await asNode(
    ({ path }) =>
      path.includes("/1.2.0/")
        ? new Response("aaa")
        : new Response("", { status: 404 }),
    async ({ folder, seen, run }) => {
      const file = `${folder}/plexd`;
      const words = ["download", "1.2.0", "--to", file, "--arch", "arm64"];
      const done = await run([...words, "--sha256", sum]);
      assert.equal(done.code, 0, done.stderr);
      assert.equal(done.stdout, `${sum}  ${file}\n`);
      assert.equal(seen[0]?.path, "/v1/artifacts/plexd/1.2.0/linux/arm64");
      const again = await run(words);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /is there already\n.*--force/);
      const other = await run([
        ...words,
        "--force",
        "--sha256",
        "0".repeat(64),
      ]);
      assert.equal(other.code, 1);
      assert.match(other.stderr, /has SHA-256 9834.*nothing was kept/);
      assert.equal(Deno.readTextFileSync(file), "aaa");
      const none = await run(["download", "9", "--to", `${folder}/none`]);
      assert.equal(none.code, 3);
      assert.match(none.stderr, /\/v1\/artifacts\/plexd\/9\/linux\//);
      const usage = await run([...words, "--sha256", "abc"]);
      assert.equal(usage.code, 2);
    },
  );
});
