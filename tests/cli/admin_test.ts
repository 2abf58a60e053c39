import assert from "node:assert/strict";
import {
  BUS_AWAY,
  newPublicKey,
  RunningPlane,
} from "../control_plane/running_plane.ts";
import { hasNatsServer } from "../fakes/nats_server.ts";
import {
  CAN_MAKE_CERTIFICATES,
  withCertificates,
} from "../uplink/certificates.ts";
import { type Finished, runPlexd } from "./run_plexd.ts";
import { ServedPlexd } from "./served_plexd.ts";

/** A control plane, and `plexd admin` at it. */
class Stage implements AsyncDisposable {
  private constructor(readonly plane: RunningPlane, readonly folder: string) {}

  static async open(
    options: Parameters<typeof RunningPlane.start>[0] = {},
  ): Promise<Stage> {
    const folder = await Deno.makeTempDir({ prefix: "plexd-admin-" });
    return new Stage(await RunningPlane.start(options), folder);
  }

  get flags(): string[] {
    const tokenFile = `${this.plane.dataDir}/admin-token`;
    return ["--api", this.plane.url, "--token-file", tokenFile];
  }

  run(...words: string[]): Promise<Finished> {
    return runPlexd(["admin", ...words, ...this.flags]);
  }

  /** Runs a command that must succeed. @returns what it printed. */
  async ok(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...words);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async json(...words: string[]): Promise<Record<string, unknown>> {
    return JSON.parse(await this.ok(...words, "--output", "json"));
  }

  async file(name: string, text: string): Promise<string> {
    const path = `${this.folder}/${name}`;
    await Deno.writeTextFile(path, text);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plane[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("plexd admin gives a node all that it can have, and takes it back", async () => {
  await using stage = await Stage.open();
  const node = await stage.plane.join();
  const { id } = node;
  const motd = await stage.file("motd.json", '{"text": 1.0}');
  const secret = await stage.file("secret", "hush\n");
  const policy = await stage.file(
    "policy.json",
    `{"rules":[],"nodes":["${id}"]}`,
  );
  const service = await stage.file("service.json", '{"roles":["edge"]}');
  await stage.ok("metadata", "set", id, "region", "north");
  await stage.ok("data", "set", id, "motd", "--file", motd);
  await stage.ok("secrets", "set", id, "pw", "--file", secret);
  await stage.ok("policies", "set", "own", "--file", policy);
  await stage.ok("services", "set", "web", "--file", service);
  await stage.ok("roles", "add", id, "edge");
  const { text } = await node.call("GET", "/state");
  assert.match(text, /"metadata":\{"region":"north"\}/);
  assert.match(text, /"payload":\{"text":1\.0\}/);
  assert.match(text, /"secret_refs":\[\{"key":"pw","version":1\}\]/);
  assert.match(text, /"policies":\[\{"id":"own","rules":\[\]\}\]/);
  assert.match(text, /"name":"web"/);
  const printed = await stage.ok("nodes", "state", id);
  assert.deepEqual(JSON.parse(printed), JSON.parse(text));
  assert.match(printed, /1\.0/, "numbers keep their form");

  const before = await stage.file("before.json", text);
  assert.match(
    await stage.ok("nodes", "state", id, "--diff", before),
    /would get what .*before\.json holds/,
  );
  await stage.ok("metadata", "set", id, "region", "south");
  await stage.ok("data", "delete", id, "motd");
  const diff = await stage.ok("nodes", "state", id, "--diff", before);
  assert.match(
    diff,
    /^- metadata\.region: "north"\n\+ metadata\.region: "south"$/m,
  );
  assert.match(diff, /^- data\[motd\]: /m);
  await stage.ok("metadata", "delete", id, "region");
  await stage.ok("secrets", "delete", id, "pw");
  await stage.ok("policies", "delete", "own");
  await stage.ok("roles", "remove", id, "edge");
  await stage.ok("services", "delete", "web");
  assert.deepEqual((await node.call("GET", "/state")).json["metadata"], {});
});

Deno.test("plexd admin lists, shows, revokes and removes nodes", async () => {
  await using stage = await Stage.open();
  const node = await stage.plane.join();
  const { id } = node;
  const list = await stage.ok("nodes", "list");
  assert.match(list, /^ID +HOST +MESH IP/);
  assert.match(list, new RegExp(`^${id} +web-1 +10\\.42\\.0\\.1`, "m"));
  assert.match(await stage.ok("nodes", "get", id), /^hostname +web-1$/m);
  assert.match(await stage.ok("nodes", "reports", id), /reported nothing/);
  assert.match(await stage.ok("nodes", "drift", id), /nothing to correct/);
  await stage.ok("nodes", "rotate-keys", id);
  assert.match(await stage.ok("nodes", "events", id), /rotate_keys/);
  await stage.ok("nodes", "revoke", id);
  (await node.call("GET", "/state")).assertProblem(401, "unauthorized");
  await stage.ok("nodes", "delete", id);
  assert.match(await stage.ok("nodes", "list"), /there are no nodes yet/);
});

Deno.test("plexd admin makes tokens, domains and operators", async () => {
  await using stage = await Stage.open();
  await stage.ok("domains", "create", "lab", "--mesh-cidr", "10.7.0.0/16");
  assert.match(await stage.ok("domains", "list"), /^lab +10\.7\.0\.0\/16/m);
  const { token, domain } = await stage.json(
    "tokens",
    "create",
    "--domain=lab",
    "--ttl=10m",
  );
  assert.equal(domain, "lab");
  const answer = await stage.plane.register(String(token), {
    public_key: newPublicKey(),
  });
  assert.equal(answer.status, 201, answer.text);
  assert.match(await stage.ok("domains", "nodes", "lab"), /10\.7\.0\.1/);
  const second = await stage.json("tokens", "create", "--dialect=2");
  assert.match(String(second["token"]), /^psb_/);
  const tokenId = String(second["token_id"]);
  assert.match(
    await stage.ok("tokens", "list"),
    new RegExp(`^${tokenId} `, "m"),
  );
  await stage.ok("tokens", "delete", tokenId);
  assert.doesNotMatch(await stage.ok("tokens", "list"), new RegExp(tokenId));

  const made = await stage.json("operators", "create", "ci", "--scopes=read");
  const file = await stage.file("ci-token", `${made["token"]}\n`);
  const asCi = (...words: string[]) =>
    runPlexd([
      "admin",
      ...words,
      "--api",
      stage.plane.url,
      "--token-file",
      file,
    ]);
  assert.equal((await asCi("nodes", "list")).code, 0);
  const refused = await asCi("signing-keys", "rotate");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /insufficient_scope: .*"keys"/);
  assert.match(await stage.ok("operators", "list"), /^ci +\["read"\]/m);
  await stage.ok("operators", "delete", "ci");
  const gone = await asCi("nodes", "list");
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /the admin token is not one of this control plane/);
});

Deno.test("plexd admin shows its token to no proxy for what is on this machine", async () => {
  await using stage = await Stage.open();
  const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let proxied = 0;
  const refusing = (async () => {
    for await (const connection of proxy) {
      proxied++;
      connection.close();
    }
  })();
  const env = {
    HTTP_PROXY: `http://127.0.0.1:${proxy.addr.port}`,
    NO_PROXY: "elsewhere.example",
  };
  const words = ["admin", "nodes", "list", ...stage.flags];
  const { code, stderr } = await runPlexd(words, { env });
  const wrong = await runPlexd(words, { env: { HTTP_PROXY: "ftp://x" } });
  proxy.close();
  await refusing;
  assert.equal(code, 0, stderr);
  assert.equal(proxied, 0);
  assert.equal(wrong.code, 78, wrong.stderr);
});

Deno.test("plexd admin rotates the signing key, and tells of it as it follows", async () => {
  await using stage = await Stage.open();
  await using following = new ServedPlexd([
    ...["admin", "audit", "--follow", "--output=json"],
    ...stage.flags,
  ]);
  const node = await stage.plane.join();
  await following.writes(/"relation":"node\.register"/);
  await stage.ok("signing-keys", "rotate", "--transition=10m");
  await following.writes(/"relation":"signing_key\.rotate"/);
  await node.call("GET", "/state");
  await following.writes(/"relation":"node_state\.pull".*"outcome":"granted"/);
  assert.equal(await following.stop("SIGTERM"), 0);
  assert.match(await stage.ok("audit"), /signing_key\.rotate +all nodes +done/);
});

Deno.test("plexd admin audit goes on when the control plane is back, and ends when it is refused", async () => {
  const folder = await Deno.makeTempDir({ prefix: "plexd-admin-" });
  const start = async (listen: string) => {
    const plane = new ServedPlexd([
      ...["control-plane", "--listen", listen, "--log-format=json"],
      ...["--data-dir", `${folder}/cp`],
    ]);
    const [, url] = await plane.writes(/"listening":"([^"]+)"/);
    return { plane, url: url! };
  };
  const { plane: before, url } = await start("127.0.0.1:0");
  await using _before = before;
  const flags = ["--api", url, "--token-file", `${folder}/cp/admin-token`];
  const create = async (name: string) => {
    const { code, stderr } = await runPlexd(
      ["admin", "operators", "create", name, ...flags],
    );
    assert.equal(code, 0, stderr);
  };
  await create("first");
  await using following = new ServedPlexd([
    ...["admin", "audit", "--follow"],
    ...flags,
  ]);
  await following.writes(/operator:first/);
  assert.equal(await before.stop("SIGTERM"), 0);
  await following.writes(/does not answer; waiting until it is back\n/);
  await using after = (await start(new URL(url).host)).plane;
  await create("second");
  await following.writes(/plexd: the control plane is back\n/);
  await following.writes(/operator:second/);
  for (const once of [/operator:first/g, /operator:second/g, /waiting/g]) {
    assert.equal(following.output.match(once)?.length, 1, following.output);
  }
  await Deno.writeTextFile(`${folder}/cp/admin-token`, "another");
  assert.equal(await following.ends(), 1);
  assert.match(following.output, /the admin token is not one of this/);
  assert.equal(await after.stop("SIGTERM"), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("plexd admin says when what answers is no control plane", async () => {
  const folder = await Deno.makeTempDir({ prefix: "plexd-admin-" });
  await Deno.writeTextFile(`${folder}/token`, "a token");
  const cases = [
    ["<html>", ["nodes", "list"], /its answer is not JSON/],
    ["{}", ["nodes", "list"], /its answer has no list "nodes"/],
    ["{}", ["audit", "--follow"], /its answer has no list "audit"/],
    ["3", ["nodes", "get", "n"], /its answer is not an object/],
  ] as const;
  for (const [text, words, said] of cases) {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response(text),
    );
    const { code, stderr } = await runPlexd([
      ...["admin", ...words, "--token-file", `${folder}/token`],
      ...["--api", `http://127.0.0.1:${server.addr.port}`],
    ]);
    assert.equal(code, 69, stderr);
    assert.match(stderr, /^plexd: what answers is no control plane: /);
    assert.match(stderr, said);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("plexd admin revokes a signing key, and has another root take over", async () => {
  await using stage = await Stage.open();
  const { signing_keys } = await stage.json("signing-keys", "list");
  const [{ key_id }] = signing_keys as [{ key_id: string }];
  await stage.ok("signing-keys", "revoke", key_id);
  const list = await stage.ok("signing-keys", "list");
  assert.match(list, new RegExp(`^${key_id} +revoked`, "m"));
  const roots = async (verb: string) =>
    (await stage.json("trust-roots", verb))["roots"] as string[];
  const [first] = await roots("list");
  const both = await roots("rotate");
  assert.equal(both.length, 2);
  assert.ok(both.includes(first!));
  const after = await roots("finish");
  assert.equal(after.length, 1);
  assert.notEqual(after[0], first);
});

Deno.test("plexd admin sets bridges", async () => {
  await using stage = await Stage.open();
  const { id } = await stage.plane.join();
  const file = await stage.file("bridge.json", '{"relay":{"a":1.0}}');
  await stage.ok("bridges", "set", id, "--file", file);
  assert.match(await stage.ok("bridges", "get", id), /relay/);
  assert.match(await stage.ok("bridges", "list"), new RegExp(id));
  await stage.ok("bridges", "delete", id);
  assert.match(await stage.ok("bridges", "list"), /no node carries traffic/);
});

Deno.test("plexd admin says what is wrong, and what to do", async () => {
  await using stage = await Stage.open();
  const cases: [string[], number, RegExp][] = [
    [["nodes", "frobnicate"], 2, /WHAT is list, get, .*not "frobnicate"/],
    [["nodes", "get"], 2, /takes NODE[\s\S]*usage: plexd admin nodes get NODE/],
    [["nodes", "list", "x"], 2, /takes no further words/],
    [["nodes", "delete", ""], 2, /"" cannot be an id.*\n.* not set\?/],
    [["domains", "nodes", ".."], 2, /"\.\." cannot be an id, a name or a key/],
    [
      ["nodes", "get", "n"],
      3,
      /refuses: node_not_found\n {2}"plexd admin nodes list" shows all/,
    ],
    [["bridges", "get", "n"], 3, /_not_found\n {2}"plexd admin \w+ list"/],
    [
      ["operators", "create", "x", "--scopes=reed,write"],
      2,
      /--scopes is some of read, .*not "reed"\n {2}did you mean "read"/,
    ],
    [["operators", "create", "x", "--scopes="], 2, /--scopes is some of/],
    [["data", "set", "n", "k"], 2, /--file - reads standard input/],
    [
      ["policies", "set", "p", "--file", "/none"],
      1,
      /: there is no file \/none/,
    ],
    [["domains", "create", "A"], 1, /refuses: malformed_body/],
  ];
  for (const [words, code, said] of cases) {
    const finished = await stage.run(...words);
    assert.equal(finished.code, code, finished.stderr);
    assert.match(finished.stderr, said);
  }
  const nobody = await runPlexd([
    ...["admin", "nodes", "list", "--api", "http://127.0.0.1:1"],
    ...stage.flags.slice(2),
  ]);
  assert.equal(nobody.code, 69);
  assert.match(nobody.stderr, /does not answer[\s\S]*PLEXD_ADMIN_URL/);
  const plain = ["admin", "nodes", "list", "--api", "http://192.0.2.1:9"];
  const exposed = await runPlexd([...plain, ...stage.flags.slice(2)]);
  assert.equal(exposed.code, 2);
  assert.match(exposed.stderr, /token to the network[\s\S]*--allow-plaintext/);
  const noToken = await runPlexd([
    ...["admin", "nodes", "list", "--token-file", "/none"],
    ...stage.flags.slice(0, 2),
  ]);
  assert.equal(noToken.code, 1);
  assert.match(
    noToken.stderr,
    /admin token cannot be read: there is no file \/none\n[\s\S]*--token-file/,
  );
  const path = await runPlexd([
    ...["admin", "nodes", "list", "--api", `${stage.plane.url}/admin`],
    ...stage.flags.slice(2),
  ]);
  assert.equal(path.code, 3);
  assert.match(path.stderr, /not_found\n[\s\S]*without \/admin\/v1/);
  const tls = await runPlexd([
    ...["admin", "nodes", "list"],
    ...["--api", stage.plane.url.replace("http:", "https:")],
    ...stage.flags.slice(2),
  ]);
  assert.equal(tls.code, 69);
  assert.match(tls.stderr, /because: what answers there does not speak TLS/);
});

Deno.test("plexd admin nats-config prints what a nats-server takes", async () => {
  await using stage = await Stage.open({ messageBus: BUS_AWAY });
  const config = await stage.ok("nats-config", "--store-dir", stage.folder);
  assert.match(config, /^listen: "127\.0\.0\.1:1"$/m);
  assert.match(config, /^resolver: MEMORY$/m);
  const other = await stage.ok("nats-config", "--listen", "0.0.0.0:4222");
  assert.match(other, /^listen: "0\.0\.0\.0:4222"$/m);
  assert.match(other, /store_dir: "\/var\/lib\/nats\/plexd"$/m);
  const { state, readers } = await stage.json("nats-config");
  assert.deepEqual({ state, readers }, { state: "away", readers: 0 });
  if (!hasNatsServer()) return;
  const file = await stage.file("nats-server.conf", config);
  // It checks the file, and does not start.
  const checked = await new Deno.Command("nats-server", {
    args: ["-c", file, "-t"],
  }).output();
  assert.ok(checked.success, new TextDecoder().decode(checked.stderr));
});

Deno.test("plexd admin nats-config looks at --listen before it asks anybody", async () => {
  for (const address of ["here", ":4222", "a:0", "a:65536", "a b:1"]) {
    const { code, stderr } = await runPlexd([
      ...["admin", "nats-config", "--listen", address],
      ...["--token-file", "/none", "--api", "http://127.0.0.1:1"],
    ]);
    assert.equal(code, 2, address);
    assert.match(stderr, /--listen is HOST:PORT, not/);
  }
});

Deno.test("plexd admin nats-config says when there is no bus", async () => {
  await using stage = await Stage.open();
  const { code, stderr } = await stage.run("nats-config");
  assert.equal(code, 69);
  assert.match(stderr, /message_bus_not_provisioned/);
});

Deno.test({
  name:
    "plexd admin trusts what --ca-file names, and names it where it is missing",
  ignore: !CAN_MAKE_CERTIFICATES,
  fn: () =>
    withCertificates(async ({ ca, server: pair }) => {
      const folder = await Deno.makeTempDir({ prefix: "plexd-admin-" });
      const where = { ...pair, port: 0, hostname: "127.0.0.1", onListen() {} };
      await using server = Deno.serve(
        where,
        () => Response.json({ nodes: [] }),
      );
      try {
        await Deno.writeTextFile(`${folder}/ca`, ca);
        await Deno.writeTextFile(`${folder}/token`, "a token");
        const list = [
          ...["admin", "nodes", "list", "--token-file", `${folder}/token`],
          ...["--api", `https://127.0.0.1:${server.addr.port}`],
        ];
        const known = await runPlexd([...list, "--ca-file", `${folder}/ca`]);
        assert.equal(known.code, 0, known.stderr);
        const unknown = await runPlexd(list);
        assert.equal(unknown.code, 69, unknown.stderr);
        assert.match(
          unknown.stderr,
          /issuer is not known[\s\S]*--ca-file names/,
        );
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
});
