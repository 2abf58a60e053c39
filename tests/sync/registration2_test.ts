import assert from "node:assert/strict";
import {
  register,
  type RegistrationOptions,
} from "../../src/sync/registration.ts";
import { RegistrationError } from "../../src/sync/registration_answer.ts";
import { registerNode2 } from "../../src/uplink/dialect2_register.ts";
import { decodeBase64 } from "../../src/wire/base64.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import {
  jsonOf,
  never,
  nodeAt,
  problem,
  textOf,
} from "../uplink/dialect2_node.ts";
import { failureFrom, TestServer, until } from "../uplink/serve.ts";
import { vectors } from "../vectors/load.ts";

const TOKEN = "psb_prod_abc234_node_abcdefghijklmnopqrst";
const PROJECT = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0c0";

const answer = vectors.dialect_detection
  .find(({ name }) => name === "register-2")!.document as Record<
    string,
    unknown
  >;
const answer1 = vectors.dialect_detection
  .find(({ name }) => name === "register-1")!.document;

const nothing: Partial<RegistrationOptions> = {};
const registered = () => Response.json(answer, { status: 201 });

type Store = Awaited<ReturnType<typeof openStore>>["store"];

/** Registers over a real store at a real server, with a token from a file. */
async function inFolderAt(
  answers: (attempt: number) => Response,
  work: (joining: {
    readonly store: Store;
    readonly server: TestServer;
    readonly file: string;
    readonly node: ReturnType<typeof nodeAt>;
    readonly join: (
      options?: Partial<RegistrationOptions>,
    ) => ReturnType<typeof register>;
  }) => Promise<void>,
) {
  await inFolder(async (dir) => {
    const server: TestServer = new TestServer(() =>
      answers(server.seen.length)
    );
    await using _ = server;
    const { store } = await openStore(dir);
    const node = nodeAt(server.url);
    const file = `${dir}/bootstrap-token`;
    await Deno.writeTextFile(file, TOKEN);
    const options: RegistrationOptions = {
      identity: store.identity,
      trust: store.trust,
      uplink: {
        register: () => Promise.reject(new Error("this is dialect 2")),
        register2: (...call) => registerNode2(node.http, ...call),
      },
      findToken: () => Promise.resolve({ token: TOKEN, file }),
      forgetFormer: () => Promise.resolve(),
      pinTrust: () => Promise.resolve(),
      controlPlane: server.url,
      resource: { projectId: PROJECT, resourceHandle: "node-3" },
      hostname: "host-1",
      metadata: { rack: "7" },
      io: { clock: node.clock, random: new FakeRandom(), log: node.log },
    };
    await work({
      store,
      server,
      file,
      node,
      join: (more = {}) => register({ ...options, ...more }, never),
    });
    await store.close();
  });
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("register() in dialect 2 sends what it takes and no bearer, and stores who the node is", () =>
  inFolderAt(registered, async ({ store, server, file, join, node }) => {
    const identity = await join();
    const [request] = server.seen;
    assert.equal(request?.path, "/v1/register");
    assert.equal(request?.headers.get("authorization"), null);
    const body = await jsonOf(request) as Record<string, string>;
    const { nonce, public_key, ...rest } = body;
    assert.deepEqual(rest, {
      project_id: PROJECT,
      resource_handle: "node-3",
      bootstrap_token: TOKEN,
    });
    assert.match(nonce!, /^[0-9a-f]{32}$/);
    assert.equal(decodeBase64(public_key!)?.length, 32);
    assert.deepEqual(await store.identity.load(), identity);
    assert.equal(identity.dialect, 2);
    assert.equal(identity.nodeId, answer["node_id"]);
    assert.equal(identity.nodeSecretKey, answer["nsk"]);
    assert.equal(identity.signingKeyId, answer["signing_key_id"]);
    const keys = store.trust.load();
    assert.equal(keys?.current, answer["signing_public_key"]);
    assert.equal(keys?.currentId, answer["signing_key_id"]);
    assert.equal(await isThere(file), false);
    assert.ok(!node.log.text.includes(TOKEN));
  }));

Deno.test("register() in dialect 2 asks again with the same nonce after a lost answer and a crash", () =>
  inFolderAt(
    (attempt) => attempt < 3 ? problem(503, "pool_exhausted") : registered(),
    async ({ server, node, join }) => {
      const first = failureFrom(join({ maxRetryMs: 1_000 }));
      await until("it waits", () => node.clock.sleeping.includes(1_000));
      await node.clock.advance(1_000);
      assert.ok(await first instanceof RegistrationError);
      // The next start.
      await join();
      const bodies = await Promise.all(server.seen.map(textOf));
      assert.equal(bodies.length, 3);
      assert.equal(new Set(bodies).size, 1);
    },
  ));

Deno.test("register() in dialect 2 takes another nonce with another token", () =>
  inFolderAt(
    (attempt) => attempt === 1 ? problem(403, "token_expired") : registered(),
    async ({ server, join }) => {
      await failureFrom(join());
      const token = TOKEN.replace("abcdef", "fedcba");
      await join({ findToken: () => Promise.resolve({ token }) });
      const [one, two] = await Promise.all(server.seen.map(jsonOf)) as {
        nonce: string;
        public_key: string;
      }[];
      assert.notEqual(one?.nonce, two?.nonce);
      assert.equal(one?.public_key, two?.public_key);
    },
  ));

for (const vector of vectors.error_classification_dialect2) {
  const { surface, status, code, action } = vector;
  if (surface !== "register") continue;
  const stops = action === "stop";
  Deno.test(`register() in dialect 2 ${stops ? "stops" : "tries again"} after ${status} ${code}`, () =>
    inFolderAt(
      (attempt) =>
        attempt === 1 ? problem(status, code ?? undefined) : registered(),
      async ({ server, store, file, node, join }) => {
        const result = join().catch((error: unknown) => error);
        if (!stops) {
          await until("it waits", () => node.clock.sleeping.includes(1_000));
          await node.clock.advance(1_000);
          await result;
          assert.equal(server.seen.length, 2);
          return;
        }
        const error = await result;
        assert.ok(error instanceof RegistrationError);
        assert.equal(error.kind, "refused");
        if (code) assert.ok(error.message.includes(code), error.message);
        assert.equal(server.seen.length, 1);
        assert.equal(await store.identity.load(), undefined);
        assert.equal(await isThere(file), true);
      },
    ));
}

Deno.test("register() in dialect 2 does not show a token that the server quotes", () =>
  inFolderAt(
    () => new Response(`no such token: ${TOKEN}`, { status: 403 }),
    async ({ join, node }) => {
      const error = await failureFrom(join());
      assert.ok(error instanceof RegistrationError);
      assert.ok(!error.message.includes(TOKEN));
      assert.ok(!node.log.text.includes(TOKEN));
    },
  ));

const refused: [what: string, document: unknown][] = [
  ["with a node id that is no UUID", { ...answer, node_id: "n_1" }],
  ["without the name of the signing key", {
    ...answer,
    signing_key_id: undefined,
  }],
];

for (const [what, document] of refused) {
  Deno.test(`register() in dialect 2 takes no answer ${what}`, () =>
    inFolderAt(
      () => Response.json(document, { status: 201 }),
      async ({ store, file, join, node }) => {
        const failing = failureFrom(join({ maxRetryMs: 1 }));
        await until("it waits", () => node.clock.sleeping.includes(1_000));
        await node.clock.advance(1_000);
        assert.ok(await failing instanceof RegistrationError);
        assert.equal(await store.identity.load(), undefined);
        assert.equal(await isThere(file), true);
      },
    ));
}

Deno.test("register() stops at an answer in the other dialect, and says what to do", () =>
  inFolderAt(
    () => Response.json(answer1, { status: 201 }),
    async ({ store, server, join }) => {
      const error = await failureFrom(join());
      assert.ok(error instanceof RegistrationError);
      assert.match(error.message, /set api\.dialect to 1$/);
      assert.equal(server.seen.length, 1);
      assert.equal(await store.identity.load(), undefined);
    },
  ));

const unusable: [what: string, change: Record<string, unknown>][] = [
  ["signing key", { signing_public_key: "AAAA" }],
  ["secret", { nsk: "short" }],
];

for (const [what, change] of unusable) {
  Deno.test(`register() in dialect 2 stores nothing of an answer with a bad ${what}`, () =>
    inFolderAt(
      () => Response.json({ ...answer, ...change }, { status: 201 }),
      async ({ store, join }) => {
        const error = await failureFrom(join());
        assert.ok(error instanceof RegistrationError);
        assert.equal(error.kind, "bad_answer");
        assert.equal(await store.identity.load(), undefined);
      },
    ));
}

Deno.test("register() says so when a token of dialect 2 is tried in dialect 1", () =>
  inFolderAt(registered, async ({ join, node }) => {
    const none = { resource: undefined } as unknown as typeof nothing;
    await failureFrom(join(none));
    assert.match(node.log.text, /trying dialect 1/);
    assert.ok(!node.log.text.includes(TOKEN));
  }));

Deno.test("register() in dialect 2 fails without a resource before it asks", () =>
  inFolderAt(registered, async ({ server, join }) => {
    const none = { resource: undefined } as unknown as typeof nothing;
    await assert.rejects(join({ ...none, dialect: 2 }), TypeError);
    assert.deepEqual(server.seen, []);
  }));
