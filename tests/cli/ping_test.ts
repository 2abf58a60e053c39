import assert from "node:assert/strict";
import {
  CAN_MAKE_CERTIFICATES,
  withCertificates,
} from "../uplink/certificates.ts";
import { ConnectProxy } from "../uplink/connect_proxy.ts";
import { RawServer, TestServer } from "../uplink/serve.ts";
import { runPlexd } from "./run_plexd.ts";

/** None of the machine's own proxies. */
const NO_PROXIES = Object.fromEntries(
  ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
    .flatMap((name) => [name, name.toLowerCase()])
    .map((name) => [name, ""]),
);

function ping(env: Record<string, string>, ...words: string[]) {
  return runPlexd(["ping", ...words], {
    env: { ...NO_PROXIES, ...env },
  });
}

/** An address where nobody listens. */
function deadUrl(): string {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${listener.addr.port}`;
}

Deno.test("plexd ping says of each address whether it is there", async () => {
  await using up = new TestServer(() => new Response("{}"));
  await using other = new TestServer(() =>
    new Response("no such call", { status: 404 })
  );
  await using sick = new TestServer(() => new Response("", { status: 502 }));
  const headers = { location: "https://plexd.test/v1/ping" };
  await using moved = new TestServer(() =>
    new Response("<html>", { status: 308, headers })
  );
  const dead = deadUrl();
  const env = {
    PLEXD_API_BASE_URL: dead,
    PLEXD_API_FALLBACK_URLS: `${up.url},${other.url},${sick.url},${moved.url}`,
  };
  const { code, stdout, stderr } = await ping(env);
  assert.equal(code, 0, stderr);
  const lines = stdout.split("\n");
  assert.match(
    lines[1]!,
    new RegExp(`^${dead} +not reachable +no answer +\\d+ ms .*refused`),
  );
  assert.match(
    lines[2]!,
    new RegExp(`^${up.url} +reachable +status 200 +\\d+ ms$`),
  );
  assert.match(lines[3]!, /reachable +status 404 +\d+ ms +no such call$/);
  assert.match(lines[4]!, /not reachable +status 502/);
  assert.match(
    lines[5]!,
    /not reachable +status 308 .*a redirect to https:\/\/plexd\.test,/,
  );
  assert.equal(up.seen[0]?.headers.get("authorization"), null);

  const json = JSON.parse((await ping(env, "--output", "json")).stdout);
  assert.deepEqual(
    json.map((one: { reachable: boolean }) => one.reachable),
    [false, true, true, false, false],
  );
});

Deno.test("plexd ping fails when no address is there, or none is named", async () => {
  const none = await ping({ PLEXD_API_BASE_URL: deadUrl() });
  assert.equal(none.code, 69);
  const unset = await ping({ PLEXD_API_BASE_URL: "" });
  assert.equal(unset.code, 78);
});

Deno.test("plexd ping says when a web page answers in place of the control plane", async () => {
  const headers = { "content-type": "text/html; charset=utf-8" };
  await using portal = new TestServer(() =>
    new Response("<!doctype html>log in", { headers })
  );
  const { code, stdout } = await ping({ PLEXD_API_BASE_URL: portal.url });
  assert.equal(code, 0);
  assert.match(
    stdout,
    /reachable +status 200 +\d+ ms +a web page: does a proxy/,
  );
});

Deno.test("a proxy is not asked for what is on this machine", async () => {
  await using server = new TestServer(() => new Response("{}"));
  await using proxy = new ConnectProxy(1);
  const { code, stderr } = await ping({
    PLEXD_API_BASE_URL: server.url,
    PLEXD_API_FALLBACK_URLS: server.url.replace("127.0.0.1", "localhost"),
    HTTP_PROXY: `http://${proxy.address}`,
    NO_PROXY: "elsewhere.example",
  });
  assert.equal(code, 0, stderr);
  assert.equal(server.seen.length, 2);
  assert.deepEqual(proxy.seen, []);
});

Deno.test("a proxy is not asked for hosts that NO_PROXY names, in any of its forms", async () => {
  await using server = new TestServer(() => new Response("{}"));
  await using proxy = new ConnectProxy(Number(new URL(server.url).port));
  const exempt = [
    "a.test",
    "of.a.test",
    "b.test",
    "of.c.test",
    "of.d.test",
    "e.test",
    "f.test",
  ];
  const others = ["xa.test", "of.xc.test", "g.test"];
  const { code, stdout } = await ping({
    PLEXD_API_ALLOW_PLAINTEXT: "true",
    PLEXD_API_BASE_URL: "http://h.test",
    PLEXD_API_FALLBACK_URLS: [...exempt, ...others]
      .map((host) => `http://${host}`).join(","),
    HTTP_PROXY: `http://${proxy.address}`,
    NO_PROXY: "a.test B.TEST,.c.test, *.d.test,e.test:80 f.test.",
  });
  assert.equal(code, 0, stdout);
  assert.deepEqual(
    proxy.seen.map((head) => /^GET http:\/\/([^/]+)\//.exec(head)?.[1]),
    ["h.test", ...others],
  );
});

Deno.test({
  name:
    "plexd ping goes through the proxy of the environment, certificate checks and all",
  ignore: !CAN_MAKE_CERTIFICATES,
  fn: () =>
    withCertificates(async ({ ca, server: pair }) => {
      const stop = new AbortController();
      const server = Deno.serve({
        ...pair,
        port: 0,
        hostname: "127.0.0.1",
        signal: stop.signal,
        onListen() {},
      }, () => new Response("{}"));
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, ca);
      try {
        await using proxy = new ConnectProxy(server.addr.port);
        const env = {
          // Nothing but the proxy knows this name.
          PLEXD_API_BASE_URL: "https://plexd.test",
          https_proxy: `http://user:hunter2@${proxy.address}`,
        };
        const trusted = { PLEXD_API_CA_FILE: file };
        const { code, stdout, stderr } = await ping(
          { ...env, ...trusted },
          "--log-level",
          "debug",
        );
        assert.equal(code, 0, stdout + stderr);
        const [head = ""] = proxy.seen;
        assert.match(head, /^CONNECT plexd\.test:443 HTTP/);
        assert.match(head, /proxy-authorization: Basic dXNlcjpodW50ZXIy/i);
        const told = `asked through a proxy https=${proxy.address} `;
        assert.ok(stderr.includes(told), stderr);
        assert.doesNotMatch(stdout + stderr, /hunter2|dXNlcjpodW50ZXIy/);
        assert.equal(proxy.seen.length, 1);
        const strict = await ping(env);
        assert.equal(strict.code, 69, "its authority is known to nobody");
        const exempt = await ping({ ...env, ...trusted, NO_PROXY: ".test" });
        assert.equal(exempt.code, 69, "nobody knows the name");
        const unchecked = await ping({
          ...env,
          PLEXD_API_TLS_INSECURE_SKIP_VERIFY: "true",
        });
        assert.equal(unchecked.code, 69, "nobody knows the name");
        assert.match(unchecked.stderr, /asked without the proxy/);
        assert.equal(proxy.seen.length, 2);
      } finally {
        await Deno.remove(file);
        stop.abort();
        await server.finished;
      }
    }),
});

Deno.test("a proxy that refuses, or hangs up, is told of as the proxy", async () => {
  for (
    const { answer, says } of [
      { answer: "HTTP/1.1 403 Forbidden\r\n\r\n", says: /proxy refuses/ },
      {
        answer: "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        says: /proxy wants a name and a password/,
      },
      { answer: "", says: /proxy hung up/ },
    ]
  ) {
    await using proxy = new RawServer(answer);
    const { code, stdout } = await ping({
      PLEXD_API_BASE_URL: "https://plexd.test",
      HTTPS_PROXY: proxy.url,
    });
    assert.equal(code, 69);
    assert.match(stdout, says);
  }
});

Deno.test("a proxy that is none is an error, which does not quote it", async () => {
  const { code, stderr } = await ping({
    PLEXD_API_BASE_URL: "https://plexd.test",
    HTTPS_PROXY: "ftp://user:hunter2@proxy",
  });
  assert.equal(code, 78);
  assert.match(stderr, /HTTPS_PROXY: is no address of a proxy/);
  assert.doesNotMatch(stderr, /hunter2/);
});
