import assert from "node:assert/strict";
import { hash } from "node:crypto";
import {
  type Address,
  call,
  type RawAnswer,
  type RawRequest,
} from "../node_api/raw_http.ts";
import { filesWith, listing } from "./files.ts";
import { Stage } from "./stage.ts";

/**
 * What a service workload must not do, in the words of the seed Node Local State
 * Store, section 10: tried against a running agent, over everything that it
 * listens on.
 */

const TOKEN = "a-token-of-this-test";
/** What only the agent may know, or only a reader of secrets. */
const SECRET = "canary-of-a-secret-51c0";
/** What a workload tries to bring in. */
const FOREIGN = "canary-of-a-workload-9f27";

const METHODS = ["PUT", "POST", "PATCH", "DELETE"];
const BODY = JSON.stringify({
  content_type: "application/json",
  payload: { brought: FOREIGN },
  value: FOREIGN,
});

/** A way to the agent that a workload may have. */
interface Way {
  readonly name: string;
  ask(target: string, request?: RawRequest): Promise<RawAnswer>;
}

/** A node with something in every part of its store, and the ways to it. */
class Node implements AsyncDisposable {
  private constructor(readonly stage: Stage, readonly ways: readonly Way[]) {}

  static async open(): Promise<Node> {
    const stage = await Stage.open();
    try {
      await stage.startControlPlane();
      await stage.leaveToken();
      const port = freePort();
      const tokenFile = `${stage.folder}/api-token`;
      Deno.writeTextFileSync(tokenFile, TOKEN, { mode: 0o600 });
      const options = {
        settings: {
          reconcile: { interval: "1h" },
          node_api: {
            http_enabled: true,
            http_listen: `127.0.0.1:${port}`,
            http_token_file: tokenFile,
          },
        },
      };
      const { node_id } = await stage.startAgent(options);
      const node = `/nodes/${node_id}`;
      const set = (path: string, body: Record<string, string>) =>
        stage.admin.call("PUT", `${node}/${path}`, body);
      await set("metadata/role", { value: "web" });
      await set("data/motd", { content_type: "text/plain", payload: "hello" });
      await set("secrets/password", { value: SECRET });
      await stage.statusWhen(
        "all of it has arrived",
        ({ state }) =>
          state.metadata === 1 && state.data === 1 && state.secrets === 1,
      );
      // A start ends with one pull; after it, nothing changes by itself.
      await stage.stopAgent();
      await stage.startAgent(options);
      await stage.statusWhen(
        "it has settled",
        ({ pull, stream }) =>
          pull.last_success_at !== null && stream.state === "streaming",
      );
      return new Node(stage, waysTo(stage, port));
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Does it over each way. */
  async overAll(work: (way: Way) => Promise<void>): Promise<void> {
    for (const way of this.ways) await work(way);
  }

  /** SHA-256 of every file that says who the node is and what it is to do. */
  authority(): Map<string, string> {
    const { membership } = this.stage;
    const isHint =
      /^\/(state\/report|sync|health|peers|routes|telemetry|tmp)\/|^\/lock$/;
    return new Map(
      listing(membership)
        .filter(({ path, kind }) => kind === "file" && !isHint.test(path))
        .map(({ path }) => [
          path,
          hash("sha256", Deno.readFileSync(membership + path)),
        ]),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stage[Symbol.asyncDispose]();
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function waysTo(stage: Stage, port: number): Way[] {
  const way = (name: string, address: Address, headers = {}): Way => ({
    name,
    ask: (target, request = {}) =>
      call(address, target, {
        ...request,
        headers: { ...headers, ...request.headers },
      }),
  });
  return [
    way("api.sock", stage.socket),
    way("secrets.sock", stage.secretsSocket),
    way("TCP", port, { Authorization: `Bearer ${TOKEN}` }),
  ];
}

/** Tries to write there by every method; nothing of it may be taken. */
async function refusesWrites(way: Way, target: string) {
  for (const method of METHODS) {
    const { status, body } = await way.ask(target, { method, body: BODY });
    const what = `${method} ${target} over ${way.name}: ${status} ${body}`;
    assert.ok([400, 404, 405].includes(status), what);
    assert.equal(typeof JSON.parse(body).error, "string", what);
  }
}

/** Tries all of `targets` over all ways, and looks at every file after it. */
async function changesNothing(node: Node, targets: readonly string[]) {
  const before = node.authority();
  await node.overAll(async (way) => {
    for (const target of targets) await refusesWrites(way, target);
  });
  assert.deepEqual(node.authority(), before);
  const { membership } = node.stage;
  assert.deepEqual(filesWith(membership, [FOREIGN]), []);
}

/** Spellings of a way out of the reports' folder, and of the API's tree. */
function climbing(to: string): string[] {
  const ups = ["..", "%2e%2e", "%2E.", "..%2f..", "..%5c", "%252e%252e"];
  return ups.flatMap((up) => [
    `/v1/state/report/${up}/${to}`,
    `/v1/state/report/${up}%2f${to.replaceAll("/", "%2f")}`,
    `/v1/state/${up}/${to}`,
  ]).concat(`//v1/state/report/../../${to}`, `/v1/state/report//${to}`);
}

Deno.test("a workload cannot mutate role assignments", async () => {
  await using node = await Node.open();
  await changesNothing(node, [
    "/v1/state/metadata",
    "/v1/state/metadata/role",
    "/v1/state/metadata/roles",
    "/v1/state/services",
    "/v1/state/policies",
    "/v1/services",
    "/v1/policies",
    "/v1/status",
    ...climbing("state/services.json"),
    ...climbing("state/metadata.json"),
  ]);
  await node.overAll(async ({ ask }) => {
    const { body } = await ask("/v1/state/metadata/role");
    assert.equal(JSON.parse(body).value, "web");
  });
});

Deno.test("a workload cannot mutate snapshots", async () => {
  await using node = await Node.open();
  const snapshot = (await node.stage.status()).signed_state.snapshot;
  assert.ok(snapshot);
  await changesNothing(node, [
    "/v1/state",
    "/v1/state/data",
    "/v1/state/data/motd",
    "/v1/state/data/other",
    "/v1/state/snapshot",
    "/v1/snapshots/active",
    ...climbing("snapshots/active.json"),
    ...climbing(`snapshots/${snapshot.epoch}-${snapshot.version}.sealed`),
    ...climbing("state/.sums"),
  ]);
  const after = (await node.stage.status()).signed_state.snapshot;
  assert.deepEqual(after, snapshot);
});

Deno.test("a workload cannot mutate peer directory authority", async () => {
  await using node = await Node.open();
  await changesNothing(node, [
    "/v1/peers",
    "/v1/state/peers",
    "/v1/state/peers/other",
    "/v1/routes",
    ...climbing("state/directory.json"),
    ...climbing("peers/observations.json"),
    ...climbing("routes/table.json"),
  ]);
  const listed = await node.stage.run("peers", "--output", "json");
  assert.equal(listed.code, 0, listed.stderr);
  assert.ok(!listed.stdout.includes(FOREIGN));
});

Deno.test("a workload cannot write trust roots", async () => {
  await using node = await Node.open();
  const files = listing(node.stage.membership)
    .filter(({ path, kind }) =>
      kind === "file" && /^\/(trust|identity)\//.test(path)
    )
    .map(({ path }) => path.slice(1));
  assert.ok(files.length >= 4, files.join());
  const places = [
    "/v1/trust",
    "/v1/trust/roots",
    "/v1/trust-bundle",
    "/v1/state/trust",
    "/v1/identity",
    "/v1/signing-keys",
    ...files.flatMap(climbing),
  ];
  await changesNothing(node, places);
  // Nor can it read them, or what the identity is sealed with.
  await node.overAll(async ({ name, ask }) => {
    for (const target of places) {
      const { status, body } = await ask(target);
      assert.ok(status === 400 || status === 404, `${target} over ${name}`);
      assert.equal(typeof JSON.parse(body).error, "string", target);
    }
  });
});

Deno.test("a workload cannot write cross-cluster state", async () => {
  await using node = await Node.open();
  const { dataDir } = node.stage;
  const before = listing(dataDir).map(({ path }) => path);
  await changesNothing(node, [
    "/v1/clusters/other/state/report/a",
    "/v1/state/report/clusters/other",
    ...climbing("../../other/state/report/a.json"),
    ...climbing("../../../../escaped.json"),
  ]);
  await node.overAll(async ({ name, ask }) => {
    // Keys that look like a way out are names like any other, or none at all.
    for (const key of ["..other", "%2e.other", "a%00b", ".sums", "~x", "%25"]) {
      const { status } = await ask(`/v1/state/report/${key}`, {
        method: "PUT",
        body: '{"content_type":"text/plain","payload":"own"}',
      });
      assert.ok(status === 200 || status === 400, `${key} over ${name}`);
    }
  });
  const added = listing(dataDir).map(({ path }) => path)
    .filter((path) => !before.includes(path));
  const reports = /^\/clusters\/default\/state\/report\/[A-Za-z0-9._~%-]+$/;
  for (const path of added) {
    assert.match(
      path,
      /^\/clusters\/default\/sync\//.test(path) ? /./ : reports,
    );
    assert.ok(!/\/report\/\./.test(path), path);
  }
  const folders = [...Deno.readDirSync(`${dataDir}/clusters`)];
  assert.deepEqual(folders.map(({ name }) => name), ["default"]);
});

Deno.test("a workload cannot store unrelated organization secrets", async () => {
  await using node = await Node.open();
  await changesNothing(node, [
    "/v1/state/secrets",
    "/v1/state/secrets/password",
    "/v1/state/secrets/of-another-organization",
    "/v1/secrets/password",
    // The agent's own place among the reports.
    "/v1/state/report/plexd.health",
    "/v1/state/report/plexd.secrets",
    "/v1/state/report/plexd%2esecrets",
    ...climbing("state/secrets.json"),
  ]);
  // Where values are read, reading one leaves nothing of it behind.
  await node.overAll(async ({ name, ask }) => {
    const { status, body } = await ask("/v1/state/secrets/password");
    assert.equal(status, name === "api.sock" ? 403 : 200, body);
    assert.equal(body.includes(SECRET), name !== "api.sock");
    const other = await ask("/v1/state/secrets/of-another-organization");
    assert.equal(other.status, name === "api.sock" ? 403 : 404, other.body);
  });
  assert.deepEqual(filesWith(node.stage.dataDir, [SECRET]), []);
  assert.ok(!node.stage.agentOutput.includes(SECRET));
});
