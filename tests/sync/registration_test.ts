import assert from "node:assert/strict";
import type {
  Identity,
  PendingRegistration,
} from "../../src/store/identity.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import type { KeyringRecord } from "../../src/store/trust_store.ts";
import {
  register,
  type RegistrationOptions,
} from "../../src/sync/registration.ts";
import {
  type AnnouncedTrust,
  RegistrationError,
} from "../../src/sync/registration_answer.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import {
  ControlError,
  type ControlErrorDetails,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import type {
  RegisterRequest,
  RegisterResponse,
} from "../../src/wire/bodies.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { publicKeyOf } from "../trust/signers.ts";
import { failureFrom, TestServer, until } from "../uplink/serve.ts";
import { vectors } from "../vectors/load.ts";

const TOKEN = "plx_enroll_secret";
const never = new AbortController().signal;

const goodAnswer: RegisterResponse = {
  node_id: "n_1",
  mesh_ip: "10.100.1.5",
  signing_public_key: publicKeyOf("A"),
  node_secret_key: "0123456789abcdef0123456789abcdef",
  domain_id: "d_1",
};

/** Writes down every step in the order in which it happened. */
class Recorder {
  readonly steps: string[] = [];
  pending: PendingRegistration | undefined;
  identity: Identity | undefined;
  keys: KeyringRecord | undefined;
  failing: "pending" | "keys" | "identity" | undefined;
  /** What the next calls answer; the good answer after that. */
  readonly answers: (RegisterResponse | Error)[] = [];
  readonly requests: RegisterRequest[] = [];
  readonly announced: AnnouncedTrust[] = [];

  readonly options: Pick<
    RegistrationOptions,
    "identity" | "trust" | "uplink"
  > = {
    identity: {
      load: () => Promise.resolve(this.identity),
      loadPending: () => Promise.resolve(this.pending),
      savePending: (pending) =>
        this.#write("pending", () => {
          this.pending = pending;
        }),
      save: (identity) =>
        this.#write("identity", () => {
          this.identity = identity;
        }),
    },
    trust: {
      save: (keys) =>
        this.#write("keys", () => {
          this.keys = keys;
        }),
    },
    uplink: {
      register: (token, request) => {
        this.steps.push("register");
        assert.equal(token, TOKEN);
        this.requests.push(request);
        const answer = this.answers.shift() ?? goodAnswer;
        return answer instanceof Error
          ? Promise.reject(answer)
          : Promise.resolve(answer);
      },
      register2: () => Promise.reject(new Error("this is dialect 1")),
    },
  };

  #write(
    what: "pending" | "keys" | "identity",
    work: () => void,
  ): Promise<void> {
    this.steps.push(what);
    if (this.failing === what) {
      return Promise.reject(new StoreWriteError(what, new Error("full")));
    }
    work();
    return Promise.resolve();
  }
}

function setUp(file?: string) {
  const recorder = new Recorder();
  const clock = new FakeClock();
  const log = new MemoryLog();
  const options: RegistrationOptions = {
    ...recorder.options,
    findToken: () =>
      Promise.resolve({ token: TOKEN, ...(file ? { file } : {}) }),
    forgetFormer: () => {
      recorder.steps.push("forget");
      return Promise.resolve();
    },
    pinTrust: (announced) => {
      recorder.announced.push(announced);
      return Promise.resolve();
    },
    controlPlane: "https://cp.test",
    hostname: "host-1",
    io: { clock, random: new FakeRandom(), log },
  };
  return { recorder, clock, log, options };
}

/** A key pair that is stored already: making one takes time of its own. */
const leftPair = {
  privateKey: new Uint8Array(32).fill(3),
  publicKey: "left",
  nonceSeed: "left-seed",
};

function refusal(kind: ControlFailure, details: ControlErrorDetails = {}) {
  return new ControlError(kind, `Failed: ${kind}`, details);
}

Deno.test("register() stores the key pair before it is sent and the identity last", async () => {
  const { recorder, options, log } = setUp();
  const identity = await register(
    { ...options, metadata: { rack: "7" } },
    never,
  );
  assert.deepEqual(recorder.steps, [
    "pending",
    "register",
    "forget",
    "keys",
    "identity",
  ]);
  assert.deepEqual(recorder.requests, [{
    token: TOKEN,
    public_key: recorder.pending?.publicKey,
    hostname: "host-1",
    metadata: { rack: "7" },
  }]);
  assert.deepEqual(identity, {
    nodeId: "n_1",
    meshIp: "10.100.1.5",
    domainId: "d_1",
    dialect: 1,
    controlPlane: "https://cp.test",
    enrolledAt: "2026-03-01T12:00:00.000Z",
    publicKey: recorder.pending?.publicKey,
    privateKey: recorder.pending?.privateKey,
    nodeSecretKey: goodAnswer.node_secret_key,
    signingPublicKey: goodAnswer.signing_public_key,
  });
  assert.equal(recorder.keys?.current, goodAnswer.signing_public_key);
  assert.ok(!log.text.includes(TOKEN));
  assert.ok(!log.text.includes(goodAnswer.node_secret_key));
});

Deno.test("register() asks again with the same token and key pair after a lost answer", async () => {
  const { recorder, options, clock } = setUp();
  recorder.answers.push(refusal("unreachable"), refusal("bad_answer"));
  const done = register(options, never);
  for (const wait of [1_000, 2_000]) {
    await until("it waits", () => clock.sleeping.length > 0);
    await clock.advance(wait);
  }
  await done;
  const keys = recorder.requests.map(({ public_key }) => public_key);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.equal(recorder.steps.filter((step) => step === "pending").length, 1);
});

Deno.test("register() uses the key pair that a crash has left", async () => {
  const { recorder, options } = setUp();
  recorder.pending = leftPair;
  const identity = await register(options, never);
  assert.equal(recorder.requests[0]?.public_key, leftPair.publicKey);
  assert.deepEqual(identity.privateKey, leftPair.privateKey);
  assert.ok(!recorder.steps.includes("pending"));
});

const withFile = async (work: (file: string) => Promise<void>) => {
  const dir = await Deno.makeTempDir({ prefix: "plexd-join-" });
  const file = `${dir}/bootstrap-token`;
  await Deno.writeTextFile(file, TOKEN);
  try {
    await work(file);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
};

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

Deno.test("register() removes the token's file once the identity is complete", () =>
  withFile(async (file) => {
    await register(setUp(file).options, never);
    assert.equal(isThere(file), false);
  }));

for (const failing of ["pending", "keys", "identity"] as const) {
  Deno.test(`register() keeps the token's file when it cannot store ${failing}`, () =>
    withFile(async (file) => {
      const { recorder, options } = setUp(file);
      recorder.failing = failing;
      const failure = await failureFrom(register(options, never));
      assert.ok(failure instanceof StoreWriteError);
      assert.equal(isThere(file), true);
      assert.equal(recorder.identity, undefined);
      if (failing === "pending") assert.deepEqual(recorder.requests, []);
    }));
}

Deno.test("register() that cannot remove the token's file warns and goes on", async () => {
  const { options, log } = setUp("/nowhere/bootstrap-token");
  await register(options, never);
  const warnings = log.lines.filter(({ level }) => level === "warn");
  assert.deepEqual(warnings.map(({ fields }) => fields["path"]), [
    "/nowhere/bootstrap-token",
  ]);
});

const badAnswers: { what: string; answer: Partial<RegisterResponse> }[] = [
  { what: "a short signing key", answer: { signing_public_key: "AAAA" } },
  { what: "text as signing key", answer: { signing_public_key: "no key" } },
  { what: "a short node secret key", answer: { node_secret_key: "short" } },
  {
    what: "a node secret key that no header can carry",
    answer: { node_secret_key: "\n".repeat(32) },
  },
  { what: "dots as node id", answer: { node_id: ".." } },
];

for (const { what, answer } of badAnswers) {
  Deno.test(`register() stores nothing of an answer with ${what}`, () =>
    withFile(async (file) => {
      const { recorder, options } = setUp(file);
      recorder.answers.push({ ...goodAnswer, ...answer });
      const failure = await failureFrom(register(options, never));
      assert.ok(failure instanceof RegistrationError);
      assert.equal(failure.kind, "bad_answer");
      assert.deepEqual(recorder.steps, ["pending", "register"]);
      assert.equal(isThere(file), true);
    }));
}

/** Statuses of the vectors, and the kinds that stand for them. */
const KIND_OF: Readonly<Record<string, ControlFailure>> = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  413: "too_large",
  429: "rate_limited",
  500: "server",
  501: "server",
  502: "server",
  503: "server",
  network: "unreachable",
};

for (const vector of vectors.error_classification) {
  if (vector.register === "n/a") continue;
  const kind = KIND_OF[vector.status] ?? "unexpected_status";
  const stops = vector.register === "stop";
  Deno.test(`register() ${stops ? "stops" : "tries again"} after ${vector.status}`, async () => {
    const { recorder, options, clock } = setUp();
    recorder.pending = leftPair;
    recorder.answers.push(refusal(kind));
    const done = register(options, never).catch((error: unknown) => error);
    await clock.advance(1_000);
    const result = await done;
    assert.equal(recorder.requests.length, stops ? 1 : 2);
    assert.equal(result instanceof RegistrationError, stops);
    if (result instanceof RegistrationError) {
      assert.equal(result.kind, "refused");
    }
  });
}

const lasting: { what: string; error: ControlError; isOver: boolean }[] = [
  {
    what: "a redirect",
    error: refusal("unexpected_status", { status: 301 }),
    isOver: true,
  },
  {
    what: "an answer that is none",
    error: refusal("bad_answer"),
    isOver: true,
  },
  {
    what: "a certificate that is not trusted",
    error: refusal("unreachable", {
      cause: new Error("invalid peer certificate: UnknownIssuer"),
    }),
    isOver: true,
  },
  { what: "no route", error: refusal("unreachable"), isOver: false },
  {
    what: "a server in trouble",
    error: refusal("server", { status: 503 }),
    isOver: false,
  },
];
for (const { what, error, isOver } of lasting) {
  Deno.test(`register() for a person ${isOver ? "ends at once" : "tries again"} after ${what}`, async () => {
    const { recorder, options, clock } = setUp();
    recorder.pending = leftPair;
    recorder.answers.push(error);
    const done = register({ ...options, attended: true }, never)
      .catch((failure: unknown) => failure);
    await clock.advance(1_000);
    const result = await done;
    assert.equal(recorder.requests.length, isOver ? 1 : 2);
    assert.equal(result instanceof RegistrationError, isOver);
  });
}

Deno.test("register() backs off to a minute and gives up after five", async () => {
  const { recorder, options, clock } = setUp();
  recorder.pending = leftPair;
  for (let n = 0; n < 50; n++) recorder.answers.push(refusal("unreachable"));
  const failure = failureFrom(register(options, never));
  for (const wait of [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]) {
    await settle();
    assert.deepEqual(clock.sleeping, [wait * 1_000]);
    await clock.advance(wait * 1_000);
  }
  const error = await failure;
  assert.ok(error instanceof RegistrationError);
  assert.equal(error.kind, "unreachable");
  assert.equal(recorder.requests.length, 11);
});

const asked: { retryAfterMs: number; waits: number }[] = [
  { retryAfterMs: 30_000, waits: 30_000 },
  { retryAfterMs: 0, waits: 1_000 },
  { retryAfterMs: 86_400_000, waits: 3_600_000 },
];

for (const { retryAfterMs, waits } of asked) {
  Deno.test(`register() waits ${waits} ms when it is asked to wait ${retryAfterMs}`, async () => {
    const { recorder, options, clock } = setUp();
    recorder.pending = leftPair;
    recorder.answers.push(refusal("rate_limited", { retryAfterMs }));
    const done = register(options, never);
    await settle();
    assert.deepEqual(clock.sleeping, [waits]);
    await clock.advance(waits);
    await done;
  });
}

Deno.test("register() that is stopped while it waits frees its timer", async () => {
  const { recorder, options, clock } = setUp();
  recorder.pending = leftPair;
  recorder.answers.push(refusal("unreachable"));
  const stop = new AbortController();
  const failure = failureFrom(register(options, stop.signal));
  await settle();
  stop.abort(new Error("stopped"));
  assert.equal((await failure) instanceof RegistrationError, false);
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("register() works from a real server to real files", () =>
  inFolder((dir) =>
    withFile(async (file) => {
      await using server = new TestServer(() =>
        Response.json(goodAnswer, { status: 201 })
      );
      const { store, log, clock } = await openStore(dir);
      const client = new ControlClient({
        baseUrl: server.url,
        version: "test",
        clock,
        log,
      });
      const identity = await register({
        ...setUp(file).options,
        identity: store.identity,
        trust: store.trust,
        uplink: {
          ...setUp().options.uplink,
          register: (...call) => client.register(...call),
        },
      }, never);
      assert.deepEqual(await store.identity.load(), identity);
      assert.equal(await store.identity.loadPending(), undefined);
      assert.equal(store.trust.load()?.current, publicKeyOf("A"));
      assert.equal(
        server.seen[0]?.headers.get("authorization"),
        `Bearer ${TOKEN}`,
      );
      assert.equal(isThere(file), false);
      await store.close();
    })
  ));
