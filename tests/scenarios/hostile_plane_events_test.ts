import assert from "node:assert/strict";
import type { StatusDocument } from "../../src/wire/status.ts";
import {
  NODE_ID,
  NODE_SECRET_KEY,
  ScriptedPlane,
  type Surface,
} from "./scripted_plane.ts";
import { Stage } from "./stage.ts";

/** The state that was verified before anything bad came. */
const EPOCH = 7;
const VERSION = 40;

function stateDocument(members: Readonly<Record<string, unknown>> = {}) {
  return JSON.stringify({
    node_id: NODE_ID,
    epoch: EPOCH,
    state_version: VERSION,
    peers: [],
    policies: [],
    metadata: { zone: "a" },
    data: [{
      key: "motd",
      content_type: "application/json",
      payload: { text: "verified" },
      version: 3,
      updated_at: "2026-03-01T12:00:00Z",
    }],
    secret_refs: [{ key: "pw", version: 2 }],
    ...members,
  });
}

const WIPED = { metadata: {}, data: [], secret_refs: [] };

/** An agent at a scripted control plane, and one that nobody may call. */
interface Scene {
  readonly stage: Stage;
  readonly plane: ScriptedPlane;
  readonly evil: Evil;
  /** What the agent served before anything bad came. */
  readonly verified: readonly string[];
}

/** Where redirects lead. It must never hear of the node. */
class Evil implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      this.requests.push(`${request.method} ${request.url}`);
      return Response.json({});
    },
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/stolen`;
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}

/** What the control plane said; the agent's own reports come and go. */
async function served(stage: Stage): Promise<string[]> {
  const { report_keys: _own, ...state } = JSON.parse(
    await stage.read("/v1/state"),
  );
  return [
    JSON.stringify(state),
    await stage.read("/v1/state/metadata"),
    await stage.read("/v1/state/data/motd"),
    await stage.read("/v1/state/secrets"),
  ];
}

/** Runs `attack` on an agent in good standing, and sees it recover. */
async function besieged(attack: (scene: Scene) => Promise<void>) {
  await using stage = await Stage.open();
  await using evil = new Evil();
  await using plane = new ScriptedPlane();
  plane.state = stateDocument();
  await Deno.writeTextFile(stage.tokenFile, "plx_token", { mode: 0o600 });
  const { pid } = await stage.startAgent({
    url: plane.url,
    settings: {
      stream: { reprobe_interval: "100ms", max_event_bytes: "64KiB" },
    },
  });
  await stage.statusWhen(
    "the first pull",
    ({ stream, state }) =>
      stream.state === "streaming" && state.version === VERSION,
  );
  const verified = await served(stage);
  await attack({ stage, plane, evil, verified });
  assert.deepEqual(await served(stage), verified);
  assert.deepEqual(evil.requests, [], "a redirect was followed");

  plane.answers = {};
  plane.state = stateDocument({
    state_version: VERSION + 1,
    metadata: { zone: "b" },
  });
  plane.endStreams();
  const after = await stage.statusWhen(
    "it recovers",
    (status) =>
      status.stream.state === "streaming" && status.reasons.length === 0 &&
      status.state.version === VERSION + 1,
  );
  assert.equal(after.pid, pid, "it was restarted");
  assert.equal(after.stale, false);
  await stage.stopAgent();
  assert.ok(!stage.agentOutput.includes(NODE_SECRET_KEY), "the bearer is told");
}

/** Says the bearer back, for logs to keep. */
function echo(status: number, headers: Record<string, string> = {}) {
  return (request: Request) =>
    new Response(request.headers.get("authorization"), { status, headers });
}

function body(
  text: BodyInit | null,
  init: ResponseInit = {},
): () => Response {
  return () => new Response(text, init);
}

const HTML = body("<!doctype html><title>Login</title>", {
  headers: { "content-type": "text/html" },
});

/** Goes on for as long as somebody reads. */
function endless(): Response {
  const blanks = new Uint8Array(1 << 20).fill(0x20);
  return new Response(
    new ReadableStream({
      pull(controller) {
        controller.enqueue(blanks);
      },
    }),
  );
}

const BOMB = new Uint8Array(
  await new Response(
    new Blob([new Uint8Array(64 << 20).fill(0x20)]).stream()
      .pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer(),
);

/**
 * Bad answers to a pull, and what the status says about each: never the same
 * twice in a row, so that it cannot be about the one before.
 */
const pulls: readonly {
  readonly name: string;
  readonly answer: (evil: Evil) => (request: Request) => Response;
  readonly says: RegExp;
}[] = [
  { name: "HTML with 200", answer: () => HTML, says: /not JSON/ },
  {
    name: "wrong types",
    answer: () => body(stateDocument({ metadata: { zone: 1 }, data: "none" })),
    says: /metadata\.zone/,
  },
  { name: "the node's bearer", answer: () => echo(200), says: /not JSON/ },
  {
    name: "a document without any member of a state",
    answer: () => body('{"node_id":"n-scripted"}'),
    says: /dialect 1/,
  },
  {
    name: "half a document",
    answer: () => body(stateDocument().slice(0, 100)),
    says: /not JSON/,
  },
  { name: "null", answer: () => body("null"), says: /not an object/ },
  { name: "nothing", answer: () => body(""), says: /not JSON/ },
  {
    name: "bytes that are not UTF-8",
    answer: () => body(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])),
    says: /UTF-8/,
  },
  {
    name: "a document as deep as an abyss",
    answer: () => body(`{"data":${"[".repeat(2_000_000)}`),
    says: /not JSON/,
  },
  { name: "an endless body", answer: () => endless, says: /longer than/ },
  ...[301, 302, 303, 307, 308].map((status) => ({
    name: `a redirect ${status}`,
    answer: (evil: Evil) =>
      body(null, { status, headers: { location: evil.url } }),
    says: new RegExp(`status ${status}`),
  })),
  {
    name: "a gzip bomb",
    answer: () => body(BOMB, { headers: { "content-encoding": "gzip" } }),
    says: /longer than/,
  },
  ...[400, 401, 403, 404, 429, 500].map((status) => ({
    name: `status ${status}`,
    answer: () => body("no", { status }),
    says: new RegExp(`status ${status}`),
  })),
  {
    name: "a lower version",
    answer: () => body(stateDocument({ ...WIPED, state_version: VERSION - 1 })),
    says: /older than/,
  },
  {
    name: "the state of another node",
    answer: () =>
      body(
        stateDocument({
          ...WIPED,
          node_id: "n-other",
          state_version: VERSION + 9,
        }),
      ),
    says: /another node/,
  },
  {
    name: "a lower epoch with a higher version",
    answer: () =>
      body(
        stateDocument({
          ...WIPED,
          epoch: EPOCH - 1,
          state_version: VERSION + 9,
        }),
      ),
    says: /older than/,
  },
  {
    name: "no version any more",
    answer: () =>
      body(
        stateDocument({ ...WIPED, epoch: undefined, state_version: undefined }),
      ),
    says: /no version/,
  },
];

Deno.test("no answer to a pull stops the agent or changes its verified state", async () => {
  await besieged(async ({ stage, plane, evil, verified }) => {
    for (const { name, answer, says } of pulls) {
      const before = (await stage.status()).pull.last_error ?? "";
      assert.doesNotMatch(before, says);
      plane.answers = { state: answer(evil) };
      // After each connect the agent pulls.
      plane.endStreams();
      await stage.statusWhen(
        `the status tells of ${name}`,
        ({ pull }) => says.test(pull.last_error ?? ""),
      );
      assert.deepEqual(await served(stage), verified, name);
    }
  });
});

/** Bad answers to opening the stream, and what the status says about each. */
const streams: readonly {
  readonly name: string;
  readonly answer: (evil: Evil) => () => Response;
  readonly says: RegExp;
}[] = [
  { name: "HTML with 200", answer: () => HTML, says: /event-stream/ },
  {
    name: "an empty answer",
    answer: () => body(null, { status: 204 }),
    says: /event-stream/,
  },
  ...[302, 307].map((status) => ({
    name: `a redirect ${status}`,
    answer: (evil: Evil) =>
      body(null, { status, headers: { location: evil.url } }),
    says: new RegExp(`status ${status}`),
  })),
  ...[401, 403, 404, 429, 503].map((status) => ({
    name: `status ${status}`,
    answer: () => body("no", { status }),
    says: new RegExp(`status ${status}`),
  })),
  {
    name: "a stream that ends at once",
    answer: () =>
      body("", { headers: { "content-type": "text/event-stream" } }),
    says: /ended the event stream/,
  },
];

Deno.test("no answer to opening the stream stops the agent or changes its verified state", async () => {
  await besieged(async ({ stage, plane, evil, verified }) => {
    for (const { name, answer, says } of streams) {
      plane.answers = { events: answer(evil) };
      plane.endStreams();
      await stage.statusWhen(
        `the status tells of ${name}`,
        ({ stream }) => says.test(stream.last_error ?? ""),
      );
      assert.deepEqual(await served(stage), verified, name);
    }
  });
});

Deno.test("while the control plane refuses everything, the status gives the reason and reads go on", async () => {
  await besieged(async ({ stage, plane, evil, verified }) => {
    const everything: Surface[] = [
      "state",
      "events",
      "heartbeat",
      "secret",
      "report",
      "drift",
      "register",
    ];
    const storms = [
      { name: "401", reason: "unauthorized" },
      { name: "403", reason: "unauthorized" },
      { name: "500", reason: "control_plane_unreachable" },
      { name: "307", reason: "control_plane_unreachable" },
    ];
    for (const { name, reason } of storms) {
      const answer = echo(Number(name), { location: evil.url });
      plane.answers = Object.fromEntries(
        everything.map((surface) => [surface, answer]),
      );
      plane.endStreams();
      const status = await stage.statusWhen(
        `the status gives the reason for ${name}`,
        ({ reasons }) =>
          reasons.some((one) =>
            one.reason === reason && one.detail.includes(`status ${name}`)
          ),
      );
      assert.equal(status.status, "degraded");
      assert.ok(!JSON.stringify(status).includes(NODE_SECRET_KEY));
      assert.deepEqual(await served(stage), verified, name);
      const report = await stage.local("/v1/state/report/kept", {
        method: "PUT",
        body: `{"content_type":"text/plain","payload":"${name}"}`,
      });
      assert.equal(report.status, 200, "a report was refused");
      await stage.local("/v1/state/report/kept", { method: "DELETE" });
    }
    const shown = await stage.run("status");
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /control_plane_unreachable for /);
  });
});

/** What comes over the stream, and the count in the status that it raises. */
const events: readonly {
  readonly name: string;
  readonly send: (plane: ScriptedPlane) => void;
  readonly counted: string;
}[] = [
  {
    name: "data that is no JSON",
    send: (plane) => plane.sendText("data: {nonsense\n\n"),
    counted: "malformed",
  },
  {
    name: "an envelope with a member twice",
    send: (plane) =>
      plane.sendText(
        plane.frame("node_state_updated", "{}")
          .replace("data: {", 'data: {"payload":{},'),
      ),
    counted: "malformed",
  },
  {
    name: "a wrong signature",
    send: (plane) =>
      plane.sendText(
        plane.frame("node_state_updated", '{"data":[]}')
          .replace('{"data":[]}', '{"metadata":{}}'),
      ),
    counted: "signature",
  },
  {
    name: "an event that is ten minutes old",
    send: (plane) =>
      plane.sendEvent("node_state_updated", '{"data":[]}', {
        issuedAtMs: Date.now() - 600_000,
      }),
    counted: "stale",
  },
  {
    name: "an event from the future",
    send: (plane) =>
      plane.sendEvent("node_state_updated", '{"data":[]}', {
        issuedAtMs: Date.now() + 600_000,
      }),
    counted: "future",
  },
  {
    name: "a nonce twice",
    send: (plane) => {
      const frame = plane.sendEvent("unheard_of", "{}", { nonce: "twice" });
      plane.sendText(frame);
    },
    counted: "replay",
  },
  {
    name: "a payload of another shape",
    send: (plane) =>
      plane.sendEvent("node_state_updated", '{"metadata":[1],"data":7}'),
    counted: "payload",
  },
  {
    name: "a payload that is no object",
    send: (plane) => plane.sendEvent("node_secrets_updated", '"all"'),
    counted: "payload",
  },
  {
    name: "an event for another node",
    send: (plane) =>
      plane.sendEvent(
        "node_state_updated",
        JSON.stringify({
          node_id: "n-other",
          epoch: EPOCH,
          state_version: VERSION + 1,
          metadata: {},
        }),
      ),
    counted: "foreign",
  },
  {
    name: "an event of an earlier epoch",
    send: (plane) =>
      plane.sendEvent(
        "node_state_updated",
        JSON.stringify({
          node_id: NODE_ID,
          epoch: EPOCH - 1,
          state_version: VERSION + 9,
          metadata: {},
        }),
      ),
    counted: "outdated",
  },
  {
    name: "an event of an epoch that nobody confirmed",
    send: (plane) =>
      plane.sendEvent(
        "node_state_updated",
        JSON.stringify({
          node_id: NODE_ID,
          epoch: EPOCH + 1,
          state_version: VERSION + 9,
          metadata: {},
        }),
      ),
    counted: "unknown_epoch",
  },
  {
    name: "a key that is none",
    send: (plane) =>
      plane.sendEvent("signing_key_rotated", '{"current":"AAAA"}'),
    counted: "keys",
  },
  {
    name: "an event that is too long",
    send: (plane) =>
      plane.sendEvent("node_state_updated", `{"x":"${"y".repeat(80_000)}"}`),
    counted: "too_long",
  },
];

/** Refused events, all reasons together. */
function refused({ events }: StatusDocument): number {
  return Object.values(events.rejected).reduce((sum, one) => sum + one, 0);
}

Deno.test("no event stops the agent or changes its verified state, and each is counted", async () => {
  await besieged(async ({ stage, plane, verified }) => {
    // Lines that are no events at all are passed over.
    plane.sendBytes(new Uint8Array([0xff, 0xfe, 0x00, 0x0d, 0x0a, 0x0a]));
    plane.sendText("what: is this\nretry: -1\nid: \0\n\n:\n\ndata\n\n");
    for (const { name, send, counted } of events) {
      const before = await stage.status();
      send(plane);
      const after = await stage.statusWhen(
        `"${name}" is counted as "${counted}"`,
        ({ events }) =>
          (events.rejected[counted] ?? 0) >
            (before.events.rejected[counted] ?? 0),
      );
      assert.equal(after.events.applied, before.events.applied, name);
      assert.equal(after.stream.state, "streaming", name);
      assert.deepEqual(await served(stage), verified, name);
    }
    const status = await stage.status();
    const shown = await stage.run("status");
    assert.ok(refused(status) >= events.length);
    for (const { counted } of events) {
      assert.ok(shown.stdout.includes(` ${counted}`), counted);
    }
    // As after a pull that was faster than the stream: no attack, no effect.
    plane.sendEvent(
      "node_state_updated",
      JSON.stringify({
        node_id: NODE_ID,
        epoch: EPOCH,
        state_version: VERSION - 1,
        metadata: {},
      }),
    );
    await stage.statusWhen(
      "a lower version is counted as nothing new",
      ({ events }) => events.repeated === 1,
    );
  });
});
