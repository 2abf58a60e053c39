import assert from "node:assert/strict";
import { NDJSON_MEDIA_TYPE } from "../../../src/wire/dialect2/bodies.ts";
import { BODY_LIMITS, LARGEST } from "./body_limits.ts";
import { databaseDump } from "./database_dump.ts";
import { join2 } from "../dialect2_node.ts";
import { GOOD_REQUESTS } from "./good_requests.ts";
import { Published, type PublishedOperation } from "./published.ts";
import { rawCall } from "./raw_call.ts";
import { Answer, BUS_AWAY, RunningPlane } from "../running_plane.ts";

type Schema = Readonly<Record<string, unknown>>;

/** One operation, in one of its dialects where it has two. */
interface Target {
  readonly operation: PublishedOperation;
  /** Undefined where no node calls. */
  readonly dialect: 1 | 2 | undefined;
  /** Of the body; undefined where there is none. */
  readonly schema: Schema | undefined;
  readonly good: unknown;
}

const SENT_AT = { "x-plexsphere-sent-at": "2026-03-01T12:00:00Z" };

/** Calls of a node in a while; some are limited. */
const PER_NODE = 20;

/** A server with nodes and everything set, so that every path leads somewhere. */
class World implements AsyncDisposable {
  private constructor(
    readonly plane: RunningPlane,
    readonly published: Published,
    readonly secrets: string[],
    readonly operators: Readonly<Record<"reader" | "expired", string>>,
  ) {}

  static async start(): Promise<World> {
    const plane = await RunningPlane.start({ messageBus: BUS_AWAY });
    const operators = { reader: "", expired: "" };
    for (const name of ["reader", "expired"] as const) {
      const ttl = name === "expired" ? { ttl: "1s" } : {};
      const body = { name, scopes: ["read"], ...ttl };
      const { json } = await plane.admin("POST", "/operators", body);
      operators[name] = String(json["token"]);
    }
    await plane.clock.advance(1_000);
    const published = await Published.of(plane);
    const secrets = [plane.dataDir, plane.adminToken, "hush-hush"];
    return new World(plane, published, secrets, operators);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.plane[Symbol.asyncDispose]();
  }

  /** A new node that has everything. */
  async node(dialect: 1 | 2): Promise<Caller> {
    const { plane } = this;
    const node = dialect === 1 ? await plane.join() : await join2(plane);
    const key = "secretKey" in node ? node.secretKey : node.nsk;
    const bearer = "secretKey" in node ? node.secretKey : node.bearer;
    this.secrets.push(key);
    await node.admin("PUT", "/metadata/k", { value: "v" });
    await node.admin("PUT", "/data/k", { content_type: "a/b", payload: 1 });
    await node.admin("PUT", "/secrets/k", { value: "hush-hush" });
    await node.admin("PUT", "/roles/k", {});
    await plane.admin("PUT", `/bridges/${node.id}`, { relay: {} });
    const { json } = await node.admin("POST", "/sessions", {
      target_host: "h",
      target_port: 1,
      authorized_key: "k",
      expires_at: "2026-03-01T13:00:00Z",
    });
    await node.call("GET", "/state");
    return { id: node.id, bearer, sid: String(json["session_id"]) };
  }

  targets(): Target[] {
    return this.published.operations.flatMap((operation) => {
      const { id, caller, description, request } = operation;
      const only = /^Dialect (\d) only/.exec(description ?? "")?.[1];
      const dialects = caller !== "node" && id !== "RegisterNode"
        ? [undefined]
        : only
        ? [Number(only) as 1 | 2]
        : [1, 2] as const;
      const schemas = schemasIn(request);
      return dialects.map((dialect, at) => ({
        operation,
        dialect,
        schema: schemas[at],
        good: GOOD_REQUESTS[id]?.[at],
      }));
    });
  }
}

interface Caller {
  readonly id: string;
  readonly bearer: string;
  readonly sid: string;
}

/** Schemas of a JSON body, of dialect 1 first. */
function schemasIn(request: PublishedOperation["request"]): Schema[] {
  return Object.values(request ?? {}).flatMap(({ schema }) =>
    (schema["anyOf"] as Schema[] | undefined) ?? [schema]
  ).filter((schema) => Object.keys(schema).length > 0);
}

function pathOf(path: string, node: Caller, changed = {}): string {
  const isBridge = path.includes("/bridges/");
  const isDomain = path.includes("/domains/");
  const isNode = path.includes("/nodes/{id}") || isBridge;
  const values: Record<string, string> = {
    node_id: node.id,
    id: isDomain ? "default" : isNode ? node.id : "p",
    sid: node.sid,
    key: "k",
    role: "k",
    name: "n",
    version: "1.2.3",
    os: "linux",
    arch: "amd64",
    ticket: "t",
    execution_id: "x",
    key_id: "x",
    ...changed,
  };
  return path.replace(/\{(\w+)\}/g, (_place, name: string) => values[name]!);
}

function bearerFor(world: World, { operation }: Target, node: Caller) {
  switch (operation.caller) {
    case "operator":
      return world.plane.adminToken;
    case "node":
      return node.bearer;
    default:
      return undefined;
  }
}

/** Asserts that a call was refused as published, and gave nothing away. */
function assertRefused(
  world: World,
  { operation }: Target,
  what: string,
  answer: Answer,
): void {
  const place = `${operation.id}, ${what}: ${answer.status} ${answer.text}`;
  assert.ok(answer.status >= 400 && answer.status < 500, place);
  world.published.assertAnswer(operation, answer);
  assertTellsNothing(world, place, answer);
}

function assertTellsNothing(world: World, place: string, answer: Answer) {
  const all = JSON.stringify([...answer.headers]) + answer.text;
  assert.doesNotMatch(all, /\n\s+at |\.ts\b|sqlite|deno|zod/i, place);
  for (const secret of world.secrets) assert.ok(!all.includes(secret), place);
}

/** Bodies that no call with this schema takes. */
function* badBodies(world: World, { operation, schema, good }: Target) {
  const text = JSON.stringify(good);
  const limit = BODY_LIMITS[operation.id] ?? LARGEST;
  const [member = "x"] = Object.keys(Object([good].flat()[0]));
  const isLines = operation.request?.[NDJSON_MEDIA_TYPE]?.schema === schema;
  const utf8 = new TextEncoder();
  type Bad = [what: string, body: string | Uint8Array, headers?: HeadersInit];
  const fixed: Bad[] = [
    // Without a line there are no records, which is a batch as any other.
    ...isLines ? [] : [["an empty body", ""]] satisfies Bad[],
    ["half a body", text.slice(0, -1)],
    ["more than one value", `${text} {}`],
    ["a text", '"x"'],
    ["null", "null"],
    ["a byte order mark", `\ufeff${text}`],
    [
      "bytes that are not UTF-8",
      new Uint8Array([...utf8.encode(`{"${member}":"`), 0xff, 0x22, 0x7d]),
    ],
    [
      "a member twice",
      text.replace("{", `{"${member}":null,`),
    ],
    ["deep nesting", "[".repeat(Math.min(limit, 500_000))],
    ["a form", "a=b", { "content-type": "application/x-www-form-urlencoded" }],
    ["markup", "<a/>", { "content-type": "text/xml" }],
    ["what is no gzip", text, { "content-encoding": "gzip" }],
    ["an encoding that nobody knows", text, { "content-encoding": "br" }],
    ["too much", " ".repeat(limit + 1)],
  ];
  yield* fixed;
  for (const [what, body] of changed(good)) {
    // The schema that is published decides what is wrong.
    const problems = world.published.checker.problems(schema!, body);
    const isExtra = problems.every((one) => one.includes("written it down"));
    if (problems.length > 0 && !isExtra) {
      yield [what, JSON.stringify(body)] satisfies Bad;
    }
  }
}

const WRONG = [null, true, -1, 0.5, 1e300, "", "\ud800", [], [1], {}, {
  a: { b: [] },
}];

/** A body with each of its members left out, of another type, and one more. */
function* changed(good: unknown): Generator<[string, unknown]> {
  for (const wrong of WRONG) {
    yield [`${JSON.stringify(wrong)} as a whole`, wrong];
  }
  if (Array.isArray(good)) {
    for (const [what, item] of changed(good[0])) yield [what, [item]];
    return;
  }
  if (typeof good !== "object" || good === null) return;
  yield ["a member more", { ...good, extra: 1 }];
  for (const [name, value] of Object.entries(good)) {
    const { [name]: _out, ...rest } = good as Record<string, unknown>;
    yield [`no ${name}`, rest];
    for (const wrong of WRONG) {
      yield [`${name}: ${JSON.stringify(wrong)}`, { ...good, [name]: wrong }];
    }
    for (const [what, inner] of changed(value)) {
      yield [`${name}, ${what}`, { ...good, [name]: inner }];
    }
  }
}

Deno.test("every body that a route does not take is refused, and nothing is written", async (test) => {
  await using world = await World.start();
  for (const target of world.targets()) {
    const { operation, dialect, schema, good } = target;
    if (!schema) continue;
    await test.step(`${operation.id} ${dialect ?? ""}`, async () => {
      assert.ok(good, `no good request for ${operation.id} ${dialect ?? ""}`);
      assert.deepEqual(world.published.checker.problems(schema, good), []);
      let node = await world.node(dialect ?? 1);
      let before = databaseDump(world.plane.dataDir);
      let count = 0;
      for (const [what, body, headers] of badBodies(world, target)) {
        if (operation.responses["429"] && count++ % PER_NODE === PER_NODE - 1) {
          assert.equal(databaseDump(world.plane.dataDir), before);
          node = await world.node(dialect ?? 1);
          before = databaseDump(world.plane.dataDir);
        }
        const bearer = bearerFor(world, target, node);
        const answer = await world.plane.call(
          operation.method,
          pathOf(operation.path, node),
          {
            ...(bearer === undefined ? {} : { bearer }),
            body,
            headers: { ...SENT_AT, ...headers as Record<string, string> },
          },
        );
        assertRefused(world, target, what, answer);
      }
      assert.equal(databaseDump(world.plane.dataDir), before);
    });
  }
  const errors = world.plane.log.lines.filter(({ level }) => level === "error");
  assert.deepEqual(errors, []);
});

Deno.test("no route lets anybody in whom it is not for", async (test) => {
  await using world = await World.start();
  const [one, two] = [await world.node(1), await world.node(2)];
  const other = await world.node(1);
  const revoked = await world.node(1);
  await world.plane.admin("POST", `/nodes/${revoked.id}/revoke`);
  for (const target of world.targets()) {
    const { operation, dialect, good } = target;
    if (operation.caller !== "node" && operation.caller !== "operator") {
      continue;
    }
    const node = dialect === 2 ? two : one;
    const { plane, operators } = world;
    const nobody = [
      undefined,
      "",
      "Bearer",
      "Bearer x",
      "Bearer plexd_admin_" + "a".repeat(43),
      `Basic ${btoa(`x:${node.bearer}`)}`,
      `Bearer ${node.bearer}x`,
      `Bearer ${node.bearer}, Bearer x`,
      `Bearer ${operators.expired}`,
      `Bearer ${revoked.bearer}`,
      ...operation.caller === "node"
        ? [`Bearer ${plane.adminToken}`, `Bearer ${operators.reader}`]
        : [`Bearer ${one.bearer}`, `Bearer ${two.bearer}`],
    ];
    const scope = operation.scope ?? "";
    const others = operation.caller === "node"
      ? operation.path.includes("{node_id}") ? [other.bearer] : []
      : scope === "read"
      ? []
      : [operators.reader];
    const call = async (authorization: string | undefined) =>
      await plane.call(operation.method, pathOf(operation.path, node), {
        ...(good === undefined ? {} : { body: good }),
        headers: {
          ...SENT_AT,
          ...(authorization === undefined ? {} : { authorization }),
        },
      });
    await test.step(`${operation.id} ${dialect ?? ""}`, async () => {
      const before = databaseDump(plane.dataDir);
      for (const authorization of nobody) {
        const answer = await call(authorization);
        const what = `as ${authorization?.slice(0, 18)}`;
        assert.equal(answer.status, 401, `${operation.id} ${what}`);
        assertRefused(world, target, what, answer);
      }
      for (const bearer of others) {
        const answer = await call(`Bearer ${bearer}`);
        assert.equal(answer.status, 403, operation.id);
        assertRefused(world, target, "as another one", answer);
      }
      assert.equal(databaseDump(plane.dataDir), before);
    });
  }
});

/** What stands in the place of one segment and never names anything. */
const TRICKS = [
  "..",
  ".",
  "%2e%2e",
  "%2E",
  "%",
  "%f",
  "%ff",
  "%c0%ae",
  "%00",
  "a%0d%0ab",
  "..%2f..%2fmaster-key",
  "%252e%252e",
  "a".repeat(4_000),
];

/** Names that are as good as any other: it is the rest that is wrong then. */
const TAKES_ANY_NAME = ["%252e%252e", "..%2f..%2fmaster-key"];

Deno.test("no path leads anywhere but where it says", async (test) => {
  await using world = await World.start();
  const { plane } = world;
  const [one, two] = [await world.node(1), await world.node(2)];
  for (const target of world.targets()) {
    const { operation, dialect, good } = target;
    const node = dialect === 2 ? two : one;
    const bearer = bearerFor(world, target, node);
    const body = good === undefined ? "" : JSON.stringify(good);
    const call = (path: string, method = operation.method) =>
      rawCall(plane, method, path, {
        ...SENT_AT,
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      }, body);
    await test.step(`${operation.id} ${dialect ?? ""}`, async () => {
      const before = databaseDump(plane.dataDir);
      const refuse = async (path: string, method = operation.method) => {
        const answer = await call(path, method);
        const place = `${method} ${path.slice(0, 99)}: ${answer.status}`;
        assert.ok(answer.status >= 400 && answer.status < 500, place);
        assert.ok(answer.json["code"], place);
        assertTellsNothing(world, place, answer);
        return answer;
      };
      for (const [, name] of operation.path.matchAll(/\{(\w+)\}/g)) {
        for (const trick of TRICKS) {
          // Keys of an operator's values may hold nearly everything.
          const isFree = operation.method === "PUT" &&
            TAKES_ANY_NAME.includes(trick) && operation.caller === "operator";
          if (isFree) continue;
          await refuse(pathOf(operation.path, node, { [name!]: trick }));
        }
      }
      const path = pathOf(operation.path, node);
      for (
        const trick of [
          `${path}/`,
          `/${path}`,
          path.replaceAll("/", "//"),
          path.replace("/v1", "/./v1"),
          `/x/..${path}`,
          `${path}%00`,
          `${path}/..`,
          `${path};a=b`,
          path.toUpperCase(),
        ].filter((trick) => trick !== path)
      ) {
        const isKey = /\{(key|name|role|id)\}$/.test(operation.path);
        if (isKey && trick === `${path};a=b`) continue;
        await refuse(trick);
      }
      for (const method of ["PATCH", "OPTIONS", "TRACE", "BREW"]) {
        const answer = await refuse(path, method);
        if (answer.status === 405) assert.ok(answer.headers.get("allow"));
      }
      assert.equal(databaseDump(plane.dataDir), before);
    });
  }
});
