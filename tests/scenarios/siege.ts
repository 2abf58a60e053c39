import assert from "node:assert/strict";
import { fields } from "../../src/cli/output/fields.ts";
import { NO_SCREEN } from "../../src/cli/output/screen.ts";
import { statusFields } from "../../src/cli/status_screen.ts";
import { worstProblem } from "../../src/cli/worst_problem.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import type { DegradedReason, StatusDocument } from "../../src/wire/status.ts";
import { planeForm } from "./plane_form.ts";
import { type ScriptedAnswer, ScriptedPlane } from "./scripted_plane.ts";
import { eventually } from "./eventually.ts";
import { type AgentOptions, Stage } from "./stage.ts";

/** The state that was verified before anything bad came. */
export const EPOCH = 7;
export const VERSION = 40;

/** The token that a node of a siege joins with. */
export function bootstrapToken(dialect: Dialect): string {
  return planeForm(dialect).token("token");
}

/** The same for those that are about dialect 1 alone. */
export const BOOTSTRAP_TOKEN = bootstrapToken(1);

const PEER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/** A state of dialect 1. */
export function stateDocument(
  members: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    node_id: planeForm(1).nodeId,
    epoch: EPOCH,
    state_version: VERSION,
    peers: [{
      id: planeForm(1).second.nodeId,
      public_key: PEER_KEY,
      mesh_ip: "10.100.0.7",
      endpoint: "",
      allowed_ips: ["10.100.0.7/32"],
      psk: "",
    }],
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

/** A state of dialect 2, which has no number. */
export function snapshotDocument(
  members: Readonly<Record<string, unknown>> = {},
  zone = "a",
): string {
  return JSON.stringify({
    peers: [{
      node_id: planeForm(2).second.nodeId,
      mesh_ip: "10.100.0.7",
      public_key: PEER_KEY,
    }],
    reachability: { state: "healthy", changed_at: "2026-02-28T00:00:00Z" },
    policy: null,
    bridge: null,
    state: {
      metadata: [{ key: "zone", value: zone }],
      data: [{ key: "motd", value: "verified" }],
      reports: [],
    },
    reports: null,
    ...members,
  });
}

/** The state that a siege begins with. */
export function goodState(dialect: Dialect): string {
  return dialect === 1 ? stateDocument() : snapshotDocument();
}

/** The state that ends a siege: everybody sees that it is another one. */
function nextState(plane: ScriptedPlane): string {
  if (plane.form.dialect === 2) return snapshotDocument({}, "b");
  return stateDocument({
    node_id: plane.nodeId,
    state_version: VERSION + 1,
    metadata: { zone: "b" },
  });
}

/** A state that would take everything away. */
export const WIPED = { metadata: {}, data: [], secret_refs: [] };

/** An agent at a scripted control plane, and one that nobody may call. */
export interface Scene {
  readonly stage: Stage;
  readonly plane: ScriptedPlane;
  readonly evil: Evil;
  /** What the agent served before anything bad came. */
  readonly verified: readonly string[];
}

/** Where redirects lead. It must never hear of the node. */
export class Evil implements AsyncDisposable {
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** What the control plane said; the agent's own reports come and go. */
export async function served(stage: Stage): Promise<string[]> {
  const { report_keys: _own, ...state } = JSON.parse(
    await stage.read("/v1/state"),
  );
  return [
    JSON.stringify(state),
    await stage.read("/v1/state/metadata"),
    await stage.read("/v1/state/data/motd"),
    await stage.read("/v1/state/secrets"),
    // Workloads see no peers, but their directory must not change either.
    await Deno.readTextFile(`${stage.membership}/peers/directory.json`),
  ];
}

async function hasZone(stage: Stage, zone: string): Promise<boolean> {
  const { body } = await stage.local("/v1/state/metadata/zone");
  return body.includes(`"${zone}"`);
}

/** What a siege may differ in. */
export interface SiegeOptions {
  /** The first address is dead: the control plane is one of `api.fallback_urls`. */
  readonly atFallback?: boolean;
  /** The attack itself starts the agent anew. */
  readonly isRestarted?: true;
}

/** An address where nobody listens. */
function deadUrl(): string {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${listener.addr.port}`;
}

/**
 * Runs `attack` on an agent in good standing, and sees that its verified state
 * is untouched, that nobody got a token, and that it recovers.
 */
export async function besieged(
  dialect: Dialect,
  attack: (scene: Scene) => Promise<void>,
  settings: AgentOptions["settings"] = {},
  { atFallback = false, isRestarted }: SiegeOptions = {},
): Promise<void> {
  await using stage = await Stage.open(dialect);
  await using evil = new Evil();
  await using plane = new ScriptedPlane(dialect);
  plane.state = goodState(dialect);
  const token = bootstrapToken(dialect);
  await Deno.writeTextFile(stage.tokenFile, token, { mode: 0o600 });
  const { pid } = await stage.startAgent({
    url: atFallback ? deadUrl() : plane.url,
    settings: {
      ...settings,
      api: {
        request_timeout: "1s",
        connect_timeout: "1s",
        ...(atFallback ? { fallback_urls: [plane.url] } : {}),
        ...settings["api"],
      },
      stream: {
        reprobe_interval: "100ms",
        max_event_bytes: "64KiB",
        ...settings["stream"],
      },
    },
  });
  await stage.statusWhen(
    "the first pull",
    ({ stream, state }) => stream.state === "streaming" && state.metadata === 1,
  );
  const verified = await served(stage);
  await attack({ stage, plane, evil, verified });
  assert.deepEqual(await served(stage), verified);
  assert.deepEqual(evil.requests, [], "a redirect was followed");
  assertTokensKept(plane);

  plane.answers = {};
  plane.speakRaw(undefined);
  plane.aheadMs = 0;
  plane.state = nextState(plane);
  plane.endStreams();
  await eventually(
    "the next state arrives",
    async () => await hasZone(stage, "b") || undefined,
  );
  const after = await stage.statusWhen(
    "it recovers",
    (status) =>
      status.stream.state === "streaming" && reasonsOf(status).length === 0,
  );
  if (!isRestarted) assert.equal(after.pid, pid, "it was restarted");
  assert.equal(after.stale, false);
  await stage.stopAgent();
  for (const hidden of secretsOf(plane)) {
    assert.ok(!stage.agentOutput.includes(hidden), "the bearer is told");
  }
}

/** What nobody may find in any text. */
export function secretsOf({ form }: ScriptedPlane): string[] {
  const { nodeId, nodeSecretKey } = form;
  return [nodeSecretKey, form.bearer(nodeId, nodeSecretKey)];
}

/**
 * A bootstrap token goes to the registration alone, and no other bearer goes
 * there; in dialect 2 not even that one does.
 */
function assertTokensKept({ requests, form }: ScriptedPlane) {
  const start = form.token("");
  for (const { surface, bearer, token, headers } of requests) {
    // What a server leaves in browsers does not come back to it.
    assert.ok(!headers.includes("cookie"));
    if (surface !== "register") {
      assert.ok(bearer !== undefined && !bearer.startsWith(start.slice(0, 4)));
    } else assert.equal(bearer, form.dialect === 1 ? token : undefined);
  }
}

/** One bad thing that a control plane can do, and what the agent says about it. */
export interface BadAnswer {
  readonly name: string;
  readonly answer: (scene: Scene) => ScriptedAnswer;
  /** The wire is cut while the answer comes. */
  readonly cut?: true;
  /** Is to be found on the screen that `plexd status` shows. */
  readonly says: RegExp;
  /** Is to be found among the reasons of a degraded agent. */
  readonly reason?: DegradedReason;
}

/**
 * Does one bad thing to the agent, and waits until its status tells of it.
 *
 * @param surface What is answered so; the agent connects anew for it.
 */
export async function doBadThing(
  scene: Scene,
  surface: "state" | "events",
  one: BadAnswer,
): Promise<void> {
  const { stage, plane, verified } = scene;
  const asked = () =>
    plane.requests.filter((request) => request.surface === surface).length;
  const before = asked();
  plane.answers = { [surface]: one.answer(scene) };
  // After each connect the agent pulls.
  plane.endStreams();
  if (one.cut) await cutUntilTold(scene, one, () => asked() > before);
  else await statusTells(stage, one);
  assert.deepEqual(await served(stage), verified, one.name);
}

/**
 * Cuts the wire again and again: what the status says of one cut is gone as soon
 * as the agent has connected anew.
 */
async function cutUntilTold(
  { stage, plane }: Scene,
  { name, says }: BadAnswer,
  isAsked: () => boolean,
): Promise<void> {
  await eventually(`the status tells of ${name}`, async () => {
    if (isAsked()) plane.cut();
    return says.test(screen(await stage.status())) || undefined;
  });
  // It may have connected once more, and such an answer never ends by itself.
  plane.answers = {};
  plane.cut();
}

/** What is wrong, beside that this control plane signs no state. */
export function reasonsOf({ reasons }: StatusDocument): DegradedReason[] {
  return reasons.map(({ reason }) => reason)
    .filter((reason) => reason !== "unsigned_state");
}

/** What `plexd status` shows of the present: the last event is of the past. */
export function screen(status: StatusDocument): string {
  const { last_event: _, ...present } = status;
  return fields(NO_SCREEN, statusFields(present, Date.now()));
}

/** What `plexd why` says. */
function sentence(status: StatusDocument): string {
  return worstProblem(status, Date.now())?.sentence ?? "All is well.";
}

/** What a name or an error text may do to a terminal. */
const STEERS = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/**
 * Waits until the status says what a bad answer must make it say, and `plexd
 * why` says it, too, unless there is something worse from before.
 */
export async function statusTells(
  stage: Stage,
  { name, says, reason }: Pick<BadAnswer, "name" | "says" | "reason">,
): Promise<void> {
  await stage.statusWhen(
    `the status tells of ${name}`,
    (status) => {
      const shown = screen(status);
      assert.doesNotMatch(shown.replaceAll("\n", " "), STEERS);
      return says.test(shown) &&
        (says.test(sentence(status)) || reasonsOf(status).length > 0) &&
        (reason === undefined ||
          status.reasons.some((one) => one.reason === reason));
    },
  );
}

/** Says the bearer back, for logs to keep. */
export function echo(
  status: number,
  headers: Record<string, string> = {},
): ScriptedAnswer {
  return (request) =>
    new Response(request.headers.get("authorization"), { status, headers });
}

export function body(
  text: BodyInit | null,
  init: ResponseInit = {},
): ScriptedAnswer {
  return () => new Response(text, init);
}

export const HTML = body("<!doctype html><title>Login</title>", {
  headers: { "content-type": "text/html" },
});

export function redirect(status: number): BadAnswer {
  return {
    name: `a redirect ${status}`,
    answer: ({ evil }) =>
      body(null, { status, headers: { location: evil.url } }),
    says: new RegExp(`status ${status}`),
  };
}

/** Blanks without an end, as fast as somebody reads. */
export function endless(headers: Record<string, string> = {}): ScriptedAnswer {
  const blanks = new Uint8Array(1 << 20).fill(0x20);
  return () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          controller.enqueue(blanks);
        },
      }),
      { headers },
    );
}

/** One blank after the other, each long after the one before. */
export function slow(headers: Record<string, string> = {}): ScriptedAnswer {
  return () => {
    let timer: ReturnType<typeof setInterval>;
    const blank = new Uint8Array([0x20]);
    return new Response(
      new ReadableStream({
        start(controller) {
          timer = setInterval(() => controller.enqueue(blank), 20);
        },
        cancel() {
          clearInterval(timer);
        },
      }),
      { headers },
    );
  };
}

/** 64 MiB of blanks in 64 KiB. */
export const BOMB = new Uint8Array(
  await new Response(
    new Blob([new Uint8Array(64 << 20).fill(0x20)]).stream()
      .pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer(),
);
