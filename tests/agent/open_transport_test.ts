import assert from "node:assert/strict";
import { openUplink } from "../../src/agent/open_uplink.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import type { Config } from "../../src/config/settings.ts";
import { describeError } from "../../src/platform/log.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import {
  CAN_MAKE_CERTIFICATES,
  type Certificates,
  withCertificates,
} from "../uplink/certificates.ts";
import { DarkRelay } from "../uplink/dark_relay.ts";
import { nodeOf } from "../uplink/node_of.ts";
import { failureFrom, RawServer, TestServer, until } from "../uplink/serve.ts";
import { StrictTlsServer } from "../uplink/tls_server.ts";

const never = new AbortController().signal;
const ignore = !CAN_MAKE_CERTIFICATES;
/** Without checks there is one timer for all connections, which stays. */
const unchecked = { ignore, sanitizeOps: false, sanitizeResources: false };

async function inFolder(
  work: (folder: string, certificates: Certificates) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  try {
    await withCertificates((certificates) => work(folder, certificates));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function configWith(env: Record<string, string>): Promise<Config> {
  const file = { path: "/nonexistent/config.yaml", required: false };
  return loadConfig({ file, env, flags: {} }).then(({ config }) => config);
}

async function open(env: Record<string, string>) {
  const log = new MemoryLog();
  const io = { clock: new FakeClock(), random: new FakeRandom(), log };
  const client = await openUplink(await configWith(env), io, "1");
  return { client, log, clock: io.clock };
}

/** A TLS server on a free port of this machine. */
function serveTls({ server }: Certificates, handler: () => Response) {
  const stop = new AbortController();
  const running = Deno.serve({
    ...server,
    port: 0,
    hostname: "127.0.0.1",
    signal: stop.signal,
    onListen() {},
  }, handler);
  return {
    port: running.addr.port,
    url: `https://localhost:${running.addr.port}`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.finished;
    },
  };
}

async function kindOf(work: Promise<unknown>) {
  const error = await failureFrom(work);
  assert.ok(error instanceof ControlError, Deno.inspect(error));
  return error.kind;
}

Deno.test({
  name:
    "a certificate of an authority that nobody knows is refused, and taken with api.ca_file",
  ignore,
  fn: () =>
    inFolder(async (folder, certificates) => {
      await using server = serveTls(certificates, () => new Response("{}"));
      await Deno.writeTextFile(`${folder}/ca.pem`, certificates.ca);
      const strict = await open({ PLEXD_API_BASE_URL: server.url });
      using _strict = strict.client;
      assert.equal(await kindOf(strict.client.ping(never)), "unreachable");
      const { client, log } = await open({
        PLEXD_API_BASE_URL: server.url,
        PLEXD_API_CA_FILE: `${folder}/ca.pem`,
      });
      using _ = client;
      await client.ping(never);
      assert.equal(client.exposed, false);
      assert.doesNotMatch(log.text, /not checked/);
    }),
});

Deno.test({
  name:
    "a certificate for another name is refused even when its authority is known",
  ignore,
  fn: () =>
    inFolder(async (folder, certificates) => {
      const { client: cert } = certificates;
      const other = { ...certificates, server: cert };
      await using server = serveTls(other, () => new Response("{}"));
      await Deno.writeTextFile(`${folder}/ca.pem`, certificates.ca);
      const { client } = await open({
        PLEXD_API_BASE_URL: server.url,
        PLEXD_API_CA_FILE: `${folder}/ca.pem`,
      });
      using _ = client;
      assert.equal(await kindOf(client.ping(never)), "unreachable");
    }),
});

for (
  const [which, says] of [["expired", "expired"], [
    "early",
    "not valid before",
  ]] as const
) {
  Deno.test({
    name:
      `a server with an ${which} certificate hears nothing, is told of in the same words each time, and the next address is asked`,
    ignore,
    fn: () =>
      inFolder(async (folder, certificates) => {
        let heard = 0;
        const wrong = { ...certificates, server: certificates[which] };
        await using first = serveTls(wrong, () => {
          heard++;
          return new Response("{}");
        });
        await Deno.writeTextFile(`${folder}/ca.pem`, certificates.ca);
        const env = {
          PLEXD_API_BASE_URL: first.url,
          PLEXD_API_CA_FILE: `${folder}/ca.pem`,
        };
        const { client } = await open(env);
        using _ = client;
        const failures = [
          await failureFrom(client.ping(never)),
          await failureFrom(client.ping(never)),
        ].map(describeError);
        assert.match(
          failures[0]!,
          new RegExp(`${says}.* by this machine's clock`),
        );
        // The runtime counts the seconds, which would make each try news.
        assert.doesNotMatch(failures[0]!, /verification time|seconds/);
        assert.equal(failures[0], failures[1]);

        await using second = serveTls(certificates, () =>
          Response.json("second"));
        const both = await open({
          ...env,
          PLEXD_API_FALLBACK_URLS: second.url,
        });
        using _both = both.client;
        const answer = await both.client.postJson("/v1/x", "{}", never);
        assert.equal(answer?.value, "second");
        assert.equal(heard, 0);
      }),
  });
}

Deno.test({
  name:
    "a connection that died without a word costs one call, and none after it",
  ignore,
  fn: () =>
    inFolder(async (folder, certificates) => {
      // Offers HTTP/2, where calls that time out leave the connection as it is.
      await using server = serveTls(certificates, () => new Response("{}"));
      await using relay = new DarkRelay(server.port);
      await Deno.writeTextFile(`${folder}/ca.pem`, certificates.ca);
      const { client, clock } = await open({
        PLEXD_API_BASE_URL: `https://localhost:${relay.port}`,
        PLEXD_API_CA_FILE: `${folder}/ca.pem`,
      });
      using _ = client;
      await client.ping(never);
      relay.goDark();
      const lost = kindOf(client.ping(never));
      await until("the call runs", () => clock.sleeping.length === 1);
      await clock.advance(30_000);
      assert.equal(await lost, "timeout");
      const end = new AbortController();
      let isBack = false;
      const next = client.ping(end.signal).then(
        () => isBack = true,
        () => {},
      );
      try {
        await until("the next call is answered", () => isBack);
      } finally {
        end.abort();
        await next;
      }
    }),
});

Deno.test({
  name: "a client certificate is shown to a server that wants one",
  ...unchecked,
  fn: () =>
    inFolder(async (folder, certificates) => {
      await using server = await StrictTlsServer.start(certificates, folder);
      await Deno.writeTextFile(`${folder}/c.pem`, certificates.client.cert);
      await Deno.writeTextFile(`${folder}/c.key`, certificates.client.key);
      const env = {
        PLEXD_API_BASE_URL: server.url,
        PLEXD_API_CA_FILE: `${folder}/ca.pem`,
      };
      const without = await open(env);
      using _ = without.client;
      assert.equal(await kindOf(without.client.ping(never)), "unreachable");
      const { client } = await open({
        ...env,
        PLEXD_API_CLIENT_CERT_FILE: `${folder}/c.pem`,
        PLEXD_API_CLIENT_KEY_FILE: `${folder}/c.key`,
      });
      using _client = client;
      await client.ping(never);
      const insecure = await open({
        ...env,
        PLEXD_API_TLS_INSECURE_SKIP_VERIFY: "true",
        PLEXD_API_CLIENT_CERT_FILE: `${folder}/c.pem`,
        PLEXD_API_CLIENT_KEY_FILE: `${folder}/c.key`,
      });
      using _insecure = insecure.client;
      await insecure.client.ping(never);
    }),
});

Deno.test({
  name:
    "tls_insecure_skip_verify takes any certificate, for its client alone, and says so",
  ...unchecked,
  fn: () =>
    inFolder(async (_folder, certificates) => {
      await using server = serveTls(
        certificates,
        () => Response.json({ a: 1 }),
      );
      const { client, log } = await open({
        PLEXD_API_BASE_URL: server.url,
        PLEXD_API_TLS_INSECURE_SKIP_VERIFY: "true",
      });
      using _client = client;
      assert.equal((await client.getJson("/v1/x", never))?.raw, '{"a":1}');
      assert.equal(client.exposed, true);
      assert.match(log.text, /not checked/);
      const strict = await open({ PLEXD_API_BASE_URL: server.url });
      using _strict = strict.client;
      assert.equal(await kindOf(strict.client.ping(never)), "unreachable");
    }),
});

Deno.test({
  name:
    "without checks, redirects, compressed, long and endless answers are as they are with them",
  ...unchecked,
  fn: () =>
    inFolder(async (_folder, certificates) => {
      let answer = () => new Response("{}");
      await using server = serveTls(certificates, () => answer());
      const { client } = await open({
        PLEXD_API_BASE_URL: server.url,
        PLEXD_API_TLS_INSECURE_SKIP_VERIFY: "true",
      });
      using _client = client;
      const headers = { location: `${server.url}/elsewhere` };
      answer = () => new Response("", { status: 307, headers });
      assert.equal(
        await kindOf(client.postJson("/v1/x", "{}", never)),
        "unexpected_status",
      );
      answer = () => new Response(null, { status: 204 });
      assert.equal(await client.postJson("/v1/x", "{}", never), undefined);
      const packed = await new Response(
        new Blob(['{"a":1}']).stream()
          .pipeThrough(new CompressionStream("gzip")),
      ).arrayBuffer();
      const gzip = { "content-encoding": "gzip" };
      answer = () => new Response(packed, { headers: gzip });
      assert.equal((await client.getJson("/v1/x", never))?.raw, '{"a":1}');
      let cancelled = false;
      answer = () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
            cancel: () => void (cancelled = true),
          }),
        );
      assert.equal(await kindOf(client.getJson("/v1/x", never)), "bad_answer");
      await until("the server's stream is cancelled", () => cancelled);
    }),
});

Deno.test({
  name: "without checks, a call and a stream end with their caller's reason",
  ...unchecked,
  fn: () =>
    inFolder(async (_folder, certificates) => {
      let cancelled = 0;
      const headers = { "content-type": "text/event-stream" };
      await using server = serveTls(certificates, () =>
        new Response(
          new ReadableStream({
            start: (controller) =>
              controller.enqueue(new TextEncoder().encode("one")),
            cancel: () => void cancelled++,
          }),
          { headers },
        ));
      const { client, clock } = await open({
        PLEXD_API_BASE_URL: server.url,
        PLEXD_API_TLS_INSECURE_SKIP_VERIFY: "true",
      });
      using _client = client;
      const reason = new Error("enough");
      const stop = new AbortController();
      const call = failureFrom(client.getJson("/v1/x", stop.signal));
      const body = await nodeOf(client).openEvents("1", stop.signal);
      const reader = body.getReader();
      assert.equal(
        new TextDecoder().decode((await reader.read()).value),
        "one",
      );
      stop.abort(reason);
      assert.equal(await failureFrom(reader.read()), reason);
      assert.equal(await call, reason);
      await until("both are cancelled", () => cancelled === 2);
      assert.deepEqual(clock.sleeping, []);
      assert.equal(
        await failureFrom(client.ping(AbortSignal.abort(reason))),
        reason,
      );
    }),
});

Deno.test({
  name: "without checks, a call that its caller ends stops connecting",
  ...unchecked,
  fn: async () => {
    // Takes connections, and never says anything.
    using mute = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { client } = await open({
      PLEXD_API_BASE_URL: `https://localhost:${mute.addr.port}`,
      PLEXD_API_TLS_INSECURE_SKIP_VERIFY: "true",
      PLEXD_API_CONNECT_TIMEOUT: "1h",
    });
    using _ = client;
    const stop = new AbortController();
    let end: unknown;
    const call = failureFrom(client.ping(stop.signal))
      .then((error) => end = error);
    using connection = await mute.accept();
    assert.ok(await connection.read(new Uint8Array(4_096)), "a greeting");
    const reason = new Error("enough");
    stop.abort(reason);
    await until("the call has ended", () => end !== undefined);
    assert.equal(await call, reason);
  },
});

for (const status of ["102 Processing", "103 Early Hints"]) {
  Deno.test({
    name: `without checks, an answer may come after a ${status}`,
    ...unchecked,
    fn: async () => {
      await using server = new RawServer(
        `HTTP/1.1 ${status}\r\nlink: </x>\r\n\r\n` +
          "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]",
      );
      const { client } = await open({
        PLEXD_API_BASE_URL: server.url,
        PLEXD_API_TLS_INSECURE_SKIP_VERIFY: "true",
      });
      using _ = client;
      assert.equal((await client.getJson("/v1/x", never))?.raw, "[]");
    },
  });
}

/** What stands in a file, made of real certificates, and what is wrong with it. */
const wrongFiles: {
  what: string;
  files: (certificates: Certificates) => Record<string, string>;
  where: string;
  says: RegExp;
}[] = [
  {
    what: "an authority's file that has only a key",
    files: ({ client }) => ({ PLEXD_API_CA_FILE: client.key }),
    where: "api.ca_file",
    says: /no certificate in it/,
  },
  {
    what: "an authority's file that is cut off",
    files: ({ ca }) => ({ PLEXD_API_CA_FILE: ca.slice(0, 300) }),
    where: "api.ca_file",
    says: /are they whole/,
  },
  {
    what: "a client certificate with the key of another one",
    files: ({ client, server }) => ({
      PLEXD_API_CLIENT_CERT_FILE: client.cert,
      PLEXD_API_CLIENT_KEY_FILE: server.key,
    }),
    where: "api.client_key_file",
    says: /not the key of the first certificate/,
  },
  {
    what: "a client certificate and its key in each other's place",
    files: ({ client }) => ({
      PLEXD_API_CLIENT_CERT_FILE: client.key,
      PLEXD_API_CLIENT_KEY_FILE: client.cert,
    }),
    where: "api.client_cert_file",
    says: /no certificate in it/,
  },
  {
    what: "a client certificate that is cut off",
    files: ({ client }) => ({
      PLEXD_API_CLIENT_CERT_FILE: client.cert.slice(0, 300),
      PLEXD_API_CLIENT_KEY_FILE: client.key,
    }),
    where: "api.client_cert_file",
    says: /cannot be read as a certificate/,
  },
  {
    what: "a key with a passphrase",
    files: ({ client }) => ({
      PLEXD_API_CLIENT_CERT_FILE: client.cert,
      PLEXD_API_CLIENT_KEY_FILE: client.key
        .replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
    }),
    where: "api.client_key_file",
    says: /passphrase/,
  },
];
Deno.test({
  name:
    "files of certificates that cannot be used are errors of the configuration",
  ignore,
  fn: () =>
    inFolder(async (folder, certificates) => {
      for (const insecure of ["false", "true"]) {
        for (const { what, files, where, says } of wrongFiles) {
          const env: Record<string, string> = {
            PLEXD_API_BASE_URL: "https://a.example",
            PLEXD_API_TLS_INSECURE_SKIP_VERIFY: insecure,
          };
          for (const [name, text] of Object.entries(files(certificates))) {
            env[name] = `${folder}/${name}.pem`;
            await Deno.writeTextFile(env[name], text);
          }
          // Without checks, nobody asks who the authorities are.
          if (insecure === "true" && says.source === "are they whole") continue;
          const error = await failureFrom(open(env));
          assert.ok(error instanceof ConfigError, what);
          const [problem] = error.problems;
          assert.equal(problem?.where, where, what);
          assert.match(problem?.what ?? "", says, what);
        }
      }
    }),
});

Deno.test({
  name: "an authority's file may have comments, several of them and a BOM",
  ignore,
  fn: () =>
    inFolder(async (folder, certificates) => {
      await using server = serveTls(certificates, () => new Response("{}"));
      const { ca, client: other } = certificates;
      const texts = [
        `\uFEFF${ca}`,
        `# of ours\n${other.cert}subject=/CN=ca\n${ca}`,
        ca.replaceAll("\n", "\r\n"),
      ];
      for (const text of texts) {
        await Deno.writeTextFile(`${folder}/ca.pem`, text);
        const { client } = await open({
          PLEXD_API_BASE_URL: server.url,
          PLEXD_API_CA_FILE: `${folder}/ca.pem`,
        });
        using _ = client;
        await client.ping(never);
      }
    }),
});

Deno.test("an answer that api.max_answer_bytes does not allow is refused by that name, and taken where it does", async () => {
  const text = JSON.stringify("x".repeat(12 * 2 ** 20));
  await using server = new TestServer(() => new Response(text));
  const env = { PLEXD_API_BASE_URL: server.url };
  const byDefault = await open(env);
  using _ = byDefault.client;
  const error = await failureFrom(byDefault.client.getJson("/v1/x", never));
  assert.match(
    describeError(error),
    /longer than 10485760 bytes \(as api\.max_answer_bytes says\)/,
  );
  const wider = { ...env, PLEXD_API_MAX_ANSWER_BYTES: "16MiB" };
  const { client } = await open(wider);
  using _client = client;
  const answer = await client.getJson("/v1/x", never);
  assert.equal(answer?.raw.length, text.length);
});

const unusable = [
  {
    what: "a file that is not there",
    env: { PLEXD_API_CA_FILE: "/nonexistent/ca.pem" },
    where: "api.ca_file",
  },
  {
    what: "a certificate that is none",
    env: {
      PLEXD_API_CLIENT_CERT_FILE: "KEY",
      PLEXD_API_CLIENT_KEY_FILE: "KEY",
    },
    where: "api.client_cert_file",
  },
  {
    what: "a plain fallback",
    env: { PLEXD_API_FALLBACK_URLS: "https://b.example,http://c.example" },
    where: "api.fallback_urls",
  },
];
for (const { what, env, where } of unusable) {
  Deno.test(`openUplink() refuses ${what}`, async () => {
    const key = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(key, "-----BEGIN NOTHING-----\n");
      const named = Object.fromEntries(
        Object.entries(env).map(([name, value]) => [
          name,
          value === "KEY" ? key : value,
        ]),
      );
      const error = await failureFrom(
        open({ PLEXD_API_BASE_URL: "https://a.example", ...named }),
      );
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems.map((one) => one.where), [where]);
    } finally {
      await Deno.remove(key);
    }
  });
}
