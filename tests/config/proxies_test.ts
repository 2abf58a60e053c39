import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/config_error.ts";
import { proxiesFrom, proxyVariables } from "../../src/config/proxies.ts";

const P = "http://p.example:3128";
const Q = "http://q.example:3128";

const environments: {
  what: string;
  env: Record<string, string>;
  proxies: ReturnType<typeof proxiesFrom>;
}[] = [
  { what: "nothing", env: { PATH: "/bin" }, proxies: undefined },
  { what: "empty ones", env: { HTTP_PROXY: " " }, proxies: undefined },
  {
    what: "both",
    env: { HTTP_PROXY: P, HTTPS_PROXY: Q },
    proxies: { http: P, https: Q, noProxy: [] },
  },
  {
    what: "lower case",
    env: { http_proxy: P, https_proxy: Q, no_proxy: "a, .b ,," },
    proxies: { http: P, https: Q, noProxy: ["a", ".b"] },
  },
  {
    what: "both cases",
    env: { HTTPS_PROXY: P, https_proxy: Q },
    proxies: { https: P, noProxy: [] },
  },
  {
    what: "an empty upper case",
    env: { HTTPS_PROXY: "", https_proxy: Q },
    proxies: { https: Q, noProxy: [] },
  },
  {
    what: "every form of an exempt host",
    env: {
      HTTP_PROXY: P,
      NO_PROXY:
        "A.Example *.b.example\t.c.example,d.example:8443 ,e.example. " +
        "10.0.0.0/8,10.1.2.3:80,fd00::/8,fd00::1,[fd00::2],[fd00::3]:443",
    },
    proxies: {
      http: P,
      noProxy: [
        "a.example",
        ".b.example",
        ".c.example",
        "d.example",
        "e.example",
        "10.0.0.0/8",
        "10.1.2.3",
        "fd00::/8",
        "fd00::1",
        "fd00::2",
        "fd00::3",
      ],
    },
  },
  {
    what: "one for all",
    env: { ALL_PROXY: "socks5://p.example:1080", HTTP_PROXY: P },
    proxies: { http: P, https: "socks5://p.example:1080", noProxy: [] },
  },
  {
    what: "no scheme",
    env: { https_proxy: "p.example:3128" },
    proxies: { https: P, noProxy: [] },
  },
  {
    what: "no proxy for anything",
    env: { HTTPS_PROXY: P, NO_PROXY: "a,*" },
    proxies: undefined,
  },
];
for (const { what, env, proxies } of environments) {
  Deno.test(`proxiesFrom() reads ${what}`, () => {
    assert.deepEqual(proxiesFrom(env), proxies);
  });
}

for (
  const bad of [
    "ftp://hunter2@p",
    "http://hunter2@",
    "hunter2 p",
    "http://p/hunter2",
    "http://p?hunter2",
  ]
) {
  Deno.test(`proxiesFrom() refuses ${bad} without quoting it`, () => {
    for (const name of ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"]) {
      assert.throws(
        () => proxiesFrom({ [name]: bad }),
        (error) =>
          error instanceof ConfigError && error.problems.length === 1 &&
          error.problems[0]?.where === name &&
          !error.message.includes("hunter2"),
      );
    }
  });
}

Deno.test("proxyVariables() says the same in one way", () => {
  const env = { https_proxy: "p.example:3128", no_proxy: "a,b" };
  const { HTTPS_PROXY, NO_PROXY, ...others } = proxyVariables(proxiesFrom(env));
  assert.equal(HTTPS_PROXY, P);
  assert.equal(NO_PROXY, "a,b");
  assert.deepEqual(new Set(Object.values(others)), new Set([undefined]));
});
