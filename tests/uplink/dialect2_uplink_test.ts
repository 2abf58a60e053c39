import assert from "node:assert/strict";
import * as z from "zod/mini";
import { ControlError } from "../../src/uplink/control_error.ts";
import type { Dialect2Uplink } from "../../src/uplink/dialect2_uplink.ts";
import {
  capabilities2Schema,
  endpointReport2Schema,
  heartbeatRequest2Schema,
  keyRotateRequest2Schema,
} from "../../src/wire/dialect2/bodies.ts";
import { vectors } from "../vectors/load.ts";
import {
  BEARER,
  jsonOf,
  never,
  NODE_ID,
  nodeAt,
  problem,
} from "./dialect2_node.ts";
import { pulledFrom } from "./pulled_from.ts";
import { failureFrom, TestServer } from "./serve.ts";

const SHA256 = "ab".repeat(32);
const beat = {
  timestamp: "2026-03-01T12:00:00.000Z",
  status: "degraded",
  uptimeMs: 5_000,
  binarySha256: SHA256,
  // Nothing says what a summary would hold.
  nat: { publicEndpoint: "192.0.2.1:51820", natType: "none" as const },
};

Deno.test("heartbeat() says what dialect 2 wants to know, as the node", async () => {
  await using server = new TestServer(() =>
    Response.json({ accepted_at: "2026-03-01T12:00:01Z", reconcile: true })
  );
  const hints = await nodeAt(server.url).uplink.heartbeat(beat, never);
  assert.deepEqual(hints, { reconcile: true, rotateKeys: false });
  const [request] = server.seen;
  assert.equal(request?.method, "POST");
  assert.equal(request?.path, `/v1/nodes/${NODE_ID}/heartbeat`);
  assert.equal(request?.headers.get("authorization"), `Bearer ${BEARER}`);
  const body = await jsonOf(request);
  assert.deepEqual(body, {
    client_now: "2026-03-01T12:00:00.000Z",
    binary_checksum: SHA256,
    binary_version: "1.2.3",
    nat_summary: {},
  });
  z.parse(heartbeatRequest2Schema, body);
});

Deno.test("heartbeat() takes an empty answer, and null, for no hint", async () => {
  const answers = [
    new Response(null, { status: 204 }),
    Response.json({ reconcile: null, rotate_keys: true }),
  ];
  await using server = new TestServer(() => answers.shift()!);
  const { uplink } = nodeAt(server.url);
  const none = { reconcile: false, rotateKeys: false };
  assert.deepEqual(await uplink.heartbeat(beat, never), none);
  const rotate = { reconcile: false, rotateKeys: true };
  assert.deepEqual(await uplink.heartbeat(beat, never), rotate);
});

Deno.test("a refusal carries the code of its problem document", async () => {
  await using server = new TestServer(() => problem(400, "clock_skew"));
  const { uplink } = nodeAt(server.url);
  const error = await failureFrom(uplink.heartbeat(beat, never));
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "bad_request");
  assert.equal(error.code, "clock_skew");
});

for (const { name, kind, document, dialect } of vectors.dialect_detection) {
  if (kind !== "state") continue;
  Deno.test(`pullState() ${dialect === 2 ? "reads" : "refuses"} vector ${name}`, async () => {
    await using server = new TestServer(() => Response.json(document));
    const state = pulledFrom(nodeAt(server.url).uplink);
    if (dialect === 2) return assert.ok((await state).metadata);
    const error = await failureFrom(state);
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "bad_answer");
  });
}

Deno.test("reportDrift() asks nobody", async () => {
  await using server = new TestServer(() => new Response());
  await nodeAt(server.url).uplink.reportDrift();
  assert.deepEqual(server.seen, []);
});

const cursors: [given: string | undefined, sent: string | null][] = [
  [undefined, null],
  ["", null],
  ["42", "42"],
  ["0", "0"],
  ["-1", null],
  ["0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2", null],
  ["9".repeat(30), null],
];

for (const [given, sent] of cursors) {
  Deno.test(`openEvents() after ${given} sends ${sent} as Last-Event-ID`, async () => {
    await using server = new TestServer(() =>
      new Response(":hi\n\n", {
        headers: { "content-type": "text/event-stream" },
      })
    );
    const stream = await nodeAt(server.url).uplink.openEvents(given, never);
    assert.equal(await new Response(stream).text(), ":hi\n\n");
    const [request] = server.seen;
    assert.equal(request?.headers.get("last-event-id"), sent);
    assert.equal(request?.headers.get("accept"), "text/event-stream");
    assert.equal(request?.headers.get("authorization"), `Bearer ${BEARER}`);
  });
}

Deno.test("deregister() sends no body where it is known", async () => {
  await using server = new TestServer(() => new Response());
  await nodeAt(server.url).uplink.deregister(never);
  const [request] = server.seen;
  assert.equal(request?.path, `/v1/nodes/${NODE_ID}/deregister`);
  assert.equal(request?.body.length, 0);
});

const deregistrations: [answer: () => Response, kind: string][] = [
  [() => new Response("no such page", { status: 404 }), "unsupported"],
  [() => problem(405), "unsupported"],
  [() => problem(404, "node_not_found"), "not_found"],
  [() => problem(401, "nsk_revoked"), "unauthorized"],
  [() => problem(503), "server"],
];

for (const [answer, kind] of deregistrations) {
  const { status } = answer();
  Deno.test(`deregister() that is answered ${status} fails as "${kind}"`, async () => {
    await using server = new TestServer(answer);
    const error = await failureFrom(
      nodeAt(server.url).uplink.deregister(never),
    );
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, kind);
  });
}

Deno.test("rotateKeys() sends the new key alone, and hears of no peers", async () => {
  await using server = new TestServer(() =>
    Response.json({ rotation_id: "r-1", kid: "k", wrap_key_version: 1 })
  );
  const { uplink } = nodeAt(server.url);
  assert.deepEqual(await uplink.rotateKeys("new-key", never), []);
  const [request] = server.seen;
  assert.equal(request?.path, "/v1/keys/rotate");
  const body = await jsonOf(request);
  assert.deepEqual(body, { new_public_key: "new-key" });
  z.parse(keyRotateRequest2Schema, body);
});

Deno.test("rotateKeys() refuses an answer of the other dialect", async () => {
  await using server = new TestServer(() =>
    Response.json({ updated_peers: [] })
  );
  const { uplink } = nodeAt(server.url);
  const error = await failureFrom(uplink.rotateKeys("new-key", never));
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "bad_answer");
});

function capabilities(checksum: string, hooks = 1) {
  const hook = {
    description: "d",
    parameters: [],
    source: "local",
    timeout: "",
    sandbox: "",
  };
  return {
    binary: { version: "1.2.3", checksum },
    builtin_actions: [],
    hooks: Array.from(
      { length: hooks },
      (_, at) => ({ ...hook, name: `hook-${at}`, checksum: SHA256 }),
    ),
  };
}

for (const checksum of [SHA256, `sha256:${SHA256}`]) {
  Deno.test(`updateCapabilities() sends the checksum ${checksum.slice(0, 9)}… as base64`, async () => {
    await using server = new TestServer(() => new Response());
    const { uplink } = nodeAt(server.url);
    await uplink.updateCapabilities(capabilities(checksum), never);
    const [request] = server.seen;
    assert.equal(request?.method, "PUT");
    const body = await jsonOf(request);
    const base64 = Uint8Array.fromHex(SHA256).toBase64();
    assert.deepEqual(body, {
      binary_version: "1.2.3",
      binary_checksum: base64,
      declared_hooks: [{ name: "hook-0", checksum: base64 }],
    });
    z.parse(capabilities2Schema, body);
  });
}

const unsayable = [
  { what: "without a checksum", of: capabilities("") },
  { what: "of more than 32 KiB", of: capabilities(SHA256, 1_000) },
];

for (const { what, of } of unsayable) {
  Deno.test(`updateCapabilities() sends none ${what}`, async () => {
    await using server = new TestServer(() => new Response());
    const { uplink } = nodeAt(server.url);
    const error = await failureFrom(uplink.updateCapabilities(of, never));
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "unsupported");
    assert.deepEqual(server.seen, []);
  });
}

for (
  const [given, sent] of [["none", "unknown"], [
    "symmetric",
    "symmetric",
  ]] as const
) {
  Deno.test(`reportEndpoint() calls NAT type "${given}" "${sent}"`, async () => {
    await using server = new TestServer(() => Response.json({}));
    const { uplink } = nodeAt(server.url);
    const address = "192.0.2.1:51820";
    assert.deepEqual(await uplink.reportEndpoint(address, given, never), []);
    const body = await jsonOf(server.seen[0]);
    assert.deepEqual(body, {
      endpoint: address,
      nat_type: sent,
      reported_at: "2026-03-01T12:00:00.000Z",
    });
    z.parse(endpointReport2Schema, body);
  });
}

Deno.test("a node id that no path can carry fails without a call", async () => {
  await using server = new TestServer(() => new Response());
  const { uplink } = nodeAt(server.url);
  const call = (work: Promise<unknown>) => failureFrom(work);
  for (const key of ["..", ""]) {
    const changes = { entries: [], deleted: [key] };
    const error = await call(uplink.syncReports(changes, never));
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "not_found");
  }
  assert.deepEqual(server.seen, []);
});

Deno.test("each surface can have a bearer of its own", async () => {
  await using server = new TestServer(() => Response.json({}));
  const { http, clock } = nodeAt(server.url);
  const { Dialect2Uplink: Uplink } = await import(
    "../../src/uplink/dialect2_uplink.ts"
  );
  const uplink: Dialect2Uplink = new Uplink({
    http,
    nodeId: NODE_ID,
    bearer: (surface) => `for-${surface}`,
    version: "1",
    clock,
  });
  await uplink.heartbeat(beat, never);
  await uplink.deregister(never);
  const sent = server.seen.map(({ headers }) => headers.get("authorization"));
  assert.deepEqual(sent, ["Bearer for-heartbeat", "Bearer for-deregister"]);
});
