import assert from "node:assert/strict";
import type { Dialect } from "../../src/wire/dialect.ts";
import {
  ALL_EVENT_TYPES,
  EVENT_TYPES,
  HINT_EVENT_TYPES,
} from "../../src/wire/event_types.ts";
import { untar } from "../cli/diag/untar.ts";
import { eventually } from "./eventually.ts";
import { filesWith } from "./files.ts";
import { ScriptedPlane } from "./scripted_plane.ts";
import {
  bootstrapToken,
  snapshotDocument,
  stateDocument,
  VERSION,
} from "./siege.ts";
import { Stage } from "./stage.ts";

/** Stands in every pre-shared key; nobody may ever see it again. */
const PSK = "canary-of-a-psk-7a31";

/** A peer as dialect 1 describes it, with all its members. */
function wirePeer(id: string, endpoint = "") {
  return {
    id,
    public_key: `key of ${id}`,
    mesh_ip: "10.100.0.20",
    endpoint,
    allowed_ips: ["10.100.0.20/32"],
    psk: `${PSK}-${id}`,
  };
}

/** Where an event's effect can be seen. */
class Scene {
  constructor(readonly stage: Stage, readonly plane: ScriptedPlane) {}

  /** Sends an event, and waits until it is counted under its type. */
  async send(type: string, payload: unknown, countedAs = type) {
    const before = await this.count(countedAs);
    this.plane.sendEvent(type, JSON.stringify(payload));
    await eventually(
      `${type} is counted`,
      async () => await this.count(countedAs) > before || undefined,
    );
  }

  async count(type: string): Promise<number> {
    return (await this.stage.status()).events.by_type[type] ?? 0;
  }

  /** Types of events that pulls, good or not, were made for. */
  get pullReasons(): ReadonlySet<string> {
    const found = this.stage.agentOutput.matchAll(/"reasons":(\[.*?\])/g);
    return new Set(
      [...found].flatMap(([, reasons]) => JSON.parse(reasons!) as string[])
        .map((reason) => reason.replace(/^event /, "")),
    );
  }

  async pulledFor(types: readonly string[]) {
    await eventually("pulls were asked for", () => {
      const missing = types.filter((type) => !this.pullReasons.has(type));
      return missing.length === 0 || undefined;
    });
  }

  /** What a command prints as JSON. */
  async shown(command: string) {
    const { code, stdout, stderr } = await this.stage.run(
      command,
      "--output=json",
    );
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout)[command];
  }

  async peers(): Promise<[id: string, key: string, endpoint: string][]> {
    const peers = await this.shown("peers") as {
      id: string;
      public_key: string;
      endpoint: string;
    }[];
    return peers.map(({ id, public_key, endpoint }) => [
      id,
      public_key,
      endpoint,
    ]);
  }
}

async function withAgent(
  dialect: Dialect,
  work: (scene: Scene) => Promise<void>,
) {
  await using stage = await Stage.open(dialect);
  await using plane = new ScriptedPlane(dialect);
  plane.state = dialect === 2
    ? snapshotDocument()
    : stateDocument({ peers: [wirePeer("n-b")] });
  const token = bootstrapToken(dialect);
  await Deno.writeTextFile(stage.tokenFile, token, { mode: 0o600 });
  await stage.startAgent({
    url: plane.url,
    // Pulls and hints are what the test brings.
    settings: {
      reconcile: { interval: "10m" },
      heartbeat: { interval: "10m" },
    },
  });
  await stage.statusWhen(
    "the first pull",
    ({ stream, pull }) =>
      stream.state === "streaming" && pull.last_success_at !== null,
  );
  await work(new Scene(stage, plane));
}

/** Types of which other scenarios show the effect. */
const SHOWN_ELSEWHERE = [
  "node_state_updated",
  "node_secrets_updated",
  "signing_key_rotated",
];

Deno.test("every type of event has its effect, and nothing keeps a pre-shared key", () =>
  withAgent(1, async (scene) => {
    const { stage, plane } = scene;
    const bodies: { path: string; body: Record<string, unknown> }[] = [];
    const taking = (answer: unknown) => async (request: Request) => {
      const { pathname: path } = new URL(request.url);
      bodies.push({ path, body: await request.json() });
      return Response.json(answer);
    };

    // Pulls fail meanwhile: what is seen was brought by the events alone.
    plane.answers.state = () => new Response(null, { status: 503 });
    const B = ["n-b", "key of n-b", ""] as const;
    assert.deepEqual(await scene.peers(), [B]);
    await scene.send("peer_added", wirePeer("n-c"));
    // From here on a pull is owed, and none is on its way that would succeed.
    await scene.pulledFor(["peer_added"]);
    const { verified_at: verifiedAt } = await stage.status();
    await scene.send("peer_registered", wirePeer("n-d", "203.0.113.4:1"));
    const D = ["n-d", "key of n-d", "203.0.113.4:1"] as const;
    assert.deepEqual(await scene.peers(), [B, ["n-c", "key of n-c", ""], D]);
    await scene.send("peer_key_rotated", {
      ...wirePeer("n-c"),
      public_key: "a new key",
    });
    await scene.send("peer_endpoint_changed", {
      peer_id: "n-c",
      endpoint: "203.0.113.5:2",
    });
    const C = ["n-c", "a new key", "203.0.113.5:2"] as const;
    assert.deepEqual(await scene.peers(), [B, C, D]);
    await scene.send("peer_removed", { peer_id: "n-b" });
    await scene.send("peer_deregistered", { id: "n-d" });
    assert.deepEqual(await scene.peers(), [C]);

    plane.answers.rotate = taking({ updated_peers: [wirePeer("n-e")] });
    await scene.send("rotate_keys", {});
    const { tasks } = await stage.statusWhen(
      "the node's key has rotated",
      ({ tasks }) => tasks.key_rotation.last_at !== null,
    );
    assert.equal(tasks.key_rotation.last_error, null);
    const identity = JSON.parse(
      await Deno.readTextFile(`${stage.membership}/identity/identity.json`),
    );
    assert.deepEqual(bodies.splice(0), [{
      path: "/v1/keys/rotate",
      body: { node_id: plane.nodeId, new_public_key: identity.public_key },
    }]);
    const E = ["n-e", "key of n-e", ""] as const;
    await eventually(
      "the peer in the answer is there",
      async () => (await scene.peers()).length === 2 || undefined,
    );
    assert.deepEqual(await scene.peers(), [C, E]);

    plane.answers.execution = taking({});
    await scene.send("action_request", {
      execution_id: "x-1",
      action: "reboot",
      parameters: {},
    });
    const ack = await eventually("it is answered", () => bodies[0]);
    assert.deepEqual(ack, {
      path: `/v1/nodes/${plane.nodeId}/executions/x-1/ack`,
      body: {
        execution_id: "x-1",
        status: "rejected",
        reason: "actions_disabled",
      },
    });

    await scene.send("ssh_session_setup", {
      session_id: "s-1",
      target_host: "db.internal",
      target_port: 22,
      authorized_key: "ssh-ed25519 AAAA",
      expires_at: "2036-03-01T12:00:00Z",
    });
    await scene.send("session_revoked", { session_id: "s-1" });
    const [session] = await scene.shown("sessions");
    assert.equal(session.target, "db.internal:22");
    assert.equal(session.status, "unsupported");
    assert.match(session.revoked_at, /^2\S+Z$/);
    await stage.agent.writes(
      /plexd does not support[^]*plexd does not support/,
    );
    assert.equal(stage.agentOutput.match(/plexd does not support/g)?.length, 2);

    // Each of the others asks for a pull, which says what it was for.
    for (const type of HINT_EVENT_TYPES) await scene.send(type, { psk: PSK });
    const pulled = [
      ...["peer_added", "peer_removed", "peer_key_rotated"],
      ...["peer_endpoint_changed", "peer_registered", "peer_deregistered"],
      ...HINT_EVENT_TYPES,
    ];
    await scene.pulledFor(pulled);
    assert.equal((await stage.status()).verified_at, verifiedAt);

    const rule = { src: "10.0.0.0/8", dst: "10.0.0.1/32", port: 443 };
    plane.state = stateDocument({
      state_version: VERSION + 1,
      peers: [wirePeer("n-b")],
      policies: [{ id: "web", rules: [rule] }],
    });
    plane.answers = {};
    await scene.send("policy_updated", {});
    await stage.statusWhen(
      "the new state holds",
      ({ state }) => state.version === VERSION + 1,
    );
    await scene.pulledFor(["policy_updated"]);
    assert.deepEqual(await scene.shown("policies"), [
      { id: "web", rules: [rule] },
    ]);
    assert.deepEqual(await scene.peers(), [B]);

    const before = (await stage.status()).events;
    await scene.send("peer_conjured", wirePeer("n-z"), "other");
    const { events } = await stage.status();
    assert.equal(events.applied, before.applied);
    assert.deepEqual(events.rejected, {});
    for (const type of EVENT_TYPES) {
      const isSeen = (events.by_type[type] ?? 0) > 0;
      assert.equal(isSeen, !SHOWN_ELSEWHERE.includes(type), type);
    }

    // A broken one is told of without what it holds.
    plane.sendEvent("peer_added", `{"id":7,"psk":"${PSK}"}`);
    await stage.statusWhen(
      "it is counted",
      ({ events }) => events.rejected["payload"] === 1,
    );
    const bundle = `${stage.folder}/bundle.tar.gz`;
    assert.equal((await stage.run("diag", "--out", bundle)).code, 0);
    const served = await Promise.all(
      ["/v1/state?full=true", "/v1/status", "/v1/events", "/metrics"]
        .map((path) => stage.read(path)),
    );
    const printed = await Promise.all(
      ["peers", "policies", "sessions", "status", "events", "logs"]
        .map(async (command) => (await stage.run(command)).stdout),
    );
    await stage.stopAgent();
    const texts = {
      "the log": stage.agentOutput,
      "the local API": served.join(),
      "what commands print": printed.join(),
      "the bundle": [...await untar(bundle)].flat().join(),
    };
    for (const [where, text] of Object.entries(texts)) {
      assert.ok(text.length > 0, where);
      assert.ok(!text.includes(PSK), `${where} holds a pre-shared key`);
    }
    assert.deepEqual(filesWith(stage.folder, [PSK, btoa(PSK)]), []);
  }));

Deno.test("in dialect 2 an event of any type only causes a pull, whatever it carries", () =>
  withAgent(2, async (scene) => {
    const { stage, plane } = scene;
    const forbidden: string[] = [];
    const noted = (request: Request) => {
      forbidden.push(new URL(request.url).pathname);
      return Response.json({});
    };
    plane.answers = {
      state: () => new Response(null, { status: 503 }),
      rotate: noted,
      execution: noted,
    };
    const known = async () => {
      // That pulls fail comes into the node's own report, at its own time.
      const { reports: _own, ...state } = JSON.parse(
        await stage.read("/v1/state?full=true"),
      );
      return [
        await scene.peers(),
        await Deno.readTextFile(`${stage.membership}/identity/identity.json`),
        state,
      ];
    };
    const before = await known();
    const payload = {
      ...wirePeer("n-c"),
      execution_id: "x-1",
      action: "reboot",
      session_id: "s-1",
      target_host: "db.internal",
      target_port: 22,
      authorized_key: "ssh-ed25519 AAAA",
      expires_at: "2036-03-01T12:00:00Z",
      metadata: {},
      data: [],
      secret_refs: [],
    };
    const types = [...ALL_EVENT_TYPES, "peer_conjured"]
      .filter((type) => type !== "signing_key_rotated");
    for (const type of types) {
      const isKnown = type !== "peer_conjured";
      await scene.send(type, payload, isKnown ? type : "other");
    }
    await scene.pulledFor(types);
    const { events } = await stage.status();
    assert.equal(events.applied, types.length);
    assert.deepEqual(events.rejected, {});
    assert.deepEqual(await known(), before);
    assert.deepEqual(await scene.shown("sessions"), []);
    assert.deepEqual(forbidden, []);
    await stage.stopAgent();
    assert.ok(!stage.agentOutput.includes(PSK));
    assert.deepEqual(filesWith(stage.folder, [PSK, btoa(PSK)]), []);
  }));
