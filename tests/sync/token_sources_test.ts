import assert from "node:assert/strict";
import { metadataToken } from "../../src/sync/metadata_service.ts";
import {
  findToken,
  TokenError,
  type TokenSources,
  validateToken,
} from "../../src/sync/token_sources.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { failureFrom, TestServer } from "../uplink/serve.ts";
import { vectors } from "../vectors/load.ts";

const never = new AbortController().signal;
const ENV = "PLEXD_TEST_BOOTSTRAP_TOKEN";

for (const vector of vectors.token_validation) {
  const { ok } = vector;
  const token = vector.token ?? "x".repeat(vector.token_length ?? 0);
  const name = JSON.stringify(token.slice(0, 20));
  Deno.test(`validateToken() ${ok ? "accepts" : "refuses"} ${name}, ${token.length} long`, () => {
    if (ok) {
      const expected = "value" in vector ? vector.value : token;
      assert.equal(validateToken(token, "a test"), expected);
    } else if (token === "") {
      assert.equal(validateToken(token, "a test"), undefined);
    } else {
      assert.throws(
        () => validateToken(token, "a test"),
        (error) =>
          error instanceof TokenError && error.kind === "invalid" &&
          !error.message.includes(token),
      );
    }
  });
}

/** Sources of which only those named hold anything. */
async function withSources(
  texts: {
    readonly value?: string;
    readonly file?: string;
    readonly credential?: string;
    readonly env?: string;
    readonly metadata?: string;
  },
  work: (sources: TokenSources) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "plexd-token-" });
  const file = `${dir}/bootstrap-token`;
  if (texts.file !== undefined) await Deno.writeTextFile(file, texts.file);
  const credential = `${dir}/plexd.token`;
  if (texts.credential !== undefined) {
    await Deno.writeTextFile(credential, texts.credential);
  }
  if (texts.env !== undefined) Deno.env.set(ENV, texts.env);
  try {
    await work({
      ...(texts.value === undefined ? {} : { value: texts.value }),
      file,
      credential,
      env: ENV,
      ...(texts.metadata === undefined
        ? {}
        : { metadata: () => Promise.resolve(texts.metadata) }),
    });
  } finally {
    Deno.env.delete(ENV);
    await Deno.remove(dir, { recursive: true });
  }
}

const order: { what: string; texts: object; token: string; file?: true }[] = [
  {
    what: "the configuration before all others",
    texts: { value: " v\n", file: "f", env: "e", metadata: "m" },
    token: "v",
  },
  {
    what: "the file next",
    texts: { value: " ", file: "f\n", credential: "c", env: "e" },
    token: "f",
    file: true,
  },
  {
    what: "the credential when the file is missing",
    texts: { credential: "c\n", env: "e", metadata: "m" },
    token: "c",
  },
  {
    what: "the variable when the file is missing",
    texts: { env: "e", metadata: "m" },
    token: "e",
  },
  {
    what: "the variable when the file is blank",
    texts: { file: "\n", env: "e", metadata: "m" },
    token: "e",
  },
  {
    what: "the metadata service last",
    texts: { env: "", metadata: "m" },
    token: "m",
  },
];

for (const { what, texts, token, file } of order) {
  Deno.test(`findToken() takes ${what}`, () =>
    withSources(texts, async (sources) => {
      const found = await findToken(sources, never);
      assert.deepEqual(found, {
        token,
        ...(file ? { file: sources.file } : {}),
      });
      assert.equal(Deno.env.get(ENV), undefined);
    }));
}

Deno.test("findToken() stops at a bad token instead of hiding the mistake", () =>
  withSources({ file: "töken-text", env: "good" }, async (sources) => {
    const failure = await failureFrom(findToken(sources, never));
    assert.ok(failure instanceof TokenError);
    assert.equal(failure.kind, "invalid");
    assert.ok(failure.message.includes(sources.file));
    assert.ok(!failure.message.includes("töken-text"));
  }));

Deno.test("findToken() names all sources when none has a token", () =>
  withSources({}, async (sources) => {
    const failure = await failureFrom(findToken(sources, never));
    assert.ok(failure instanceof TokenError);
    assert.equal(failure.kind, "none");
    const { file, credential = "" } = sources;
    for (
      const name of ["token_value", file, credential, ENV, "metadata service"]
    ) {
      assert.ok(failure.message.includes(name), name);
    }
  }));

Deno.test("findToken() fails for a file that is there but cannot be read", () =>
  withSources({ env: "good" }, async (sources) => {
    await Deno.mkdir(sources.file);
    const failure = await failureFrom(findToken(sources, never));
    assert.ok(failure instanceof TokenError);
    assert.equal(failure.kind, "unreadable");
  }));

Deno.test("findToken() reads no more of a file than a token can be", () =>
  withSources({}, async (sources) => {
    const endless = { ...sources, file: "/dev/zero" };
    const failure = await failureFrom(findToken(endless, never));
    assert.ok(failure instanceof TokenError);
    assert.equal(failure.kind, "invalid");
  }));

Deno.test("metadataToken() asks with the session token that it was given", async () => {
  await using server = new TestServer(({ method }) =>
    new Response(method === "PUT" ? "session\n" : " boot-token \n")
  );
  const options = { baseUrl: server.url, clock: new FakeClock() };
  assert.equal(await metadataToken(options, never), "boot-token");
  const [first, second] = server.seen;
  assert.equal(first?.path, "/latest/api/token");
  assert.equal(
    first?.headers.get("x-aws-ec2-metadata-token-ttl-seconds"),
    "21600",
  );
  assert.equal(second?.path, "/plexd/bootstrap-token");
  assert.equal(second?.headers.get("x-aws-ec2-metadata-token"), "session");
});

const withoutToken: { what: string; answer: () => Response }[] = [
  { what: "a 404", answer: () => new Response("nothing", { status: 404 }) },
  {
    what: "a redirect",
    answer: () =>
      new Response(null, { status: 302, headers: { location: "/other" } }),
  },
  { what: "an endless answer", answer: () => new Response("x".repeat(9_999)) },
  { what: "an empty answer", answer: () => new Response("") },
];

for (const { what, answer } of withoutToken) {
  Deno.test(`metadataToken() has no token for ${what}`, async () => {
    await using server = new TestServer(({ method }) =>
      method === "PUT" ? new Response(null, { status: 404 }) : answer()
    );
    const options = { baseUrl: server.url, clock: new FakeClock() };
    assert.equal(await metadataToken(options, never) || undefined, undefined);
    const last = server.seen.at(-1);
    assert.equal(last?.path, "/plexd/bootstrap-token");
    assert.equal(last?.headers.get("x-aws-ec2-metadata-token"), null);
  });
}

Deno.test("metadataToken() gives up on a service that does not answer, twice", async () => {
  const silence = Promise.withResolvers<Response>();
  await using server = new TestServer(() => silence.promise);
  const clock = new FakeClock();
  const token = metadataToken({ baseUrl: server.url, clock }, never);
  for (const call of [1, 2]) {
    while (server.seen.length < call || clock.sleeping.length === 0) {
      await settle(1);
    }
    await clock.advance(2_000);
  }
  assert.equal(await token, undefined);
  silence.resolve(new Response());
});

Deno.test("metadataToken() ends with the signal's reason", async () => {
  const silence = Promise.withResolvers<Response>();
  await using server = new TestServer(() => silence.promise);
  const stop = new AbortController();
  const options = { baseUrl: server.url, clock: new FakeClock() };
  const failure = failureFrom(metadataToken(options, stop.signal));
  while (server.seen.length === 0) await settle(1);
  stop.abort(new Error("stopped"));
  assert.ok(await failure instanceof Error);
  silence.resolve(new Response());
});

Deno.test("findToken() passes over what is spent, wherever it lies", () =>
  withSources(
    { value: "spent", file: "spent", env: "spent", metadata: "fresh" },
    async (sources) => {
      const isSpent = (token: string) => token === "spent";
      const found = await findToken({ ...sources, isSpent }, never);
      assert.deepEqual(found, { token: "fresh" });
    },
  ));

Deno.test("findToken() finds none when all are spent", () =>
  withSources({ value: "a", file: "b", env: "c" }, async (sources) => {
    const work = findToken({ ...sources, isSpent: () => true }, never);
    const failure = await failureFrom(work);
    assert.ok(failure instanceof TokenError);
    assert.equal(failure.kind, "none");
  }));
