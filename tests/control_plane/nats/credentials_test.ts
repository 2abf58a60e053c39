import assert from "node:assert/strict";
import { decode } from "@nats-io/jwt";
import { hasNatsServer } from "../../fakes/nats_server.ts";
import { eventually } from "../../scenarios/eventually.ts";
import { join2 } from "../dialect2_node.ts";
import { databaseDump } from "../openapi/database_dump.ts";
import { BUS_AWAY, RunningPlane } from "../running_plane.ts";
import { BusNode, BusWorld, credentialsOf } from "./bus_world.ts";

const ignore = !hasNatsServer();

const ASKED = { carrier: "nats" };

Deno.test("without a bus the credentials answer 501, to everybody", async () => {
  await using plane = await RunningPlane.start();
  for (const node of [await plane.join(), await join2(plane)]) {
    const answer = await node.call("POST", "/credentials", ASKED);
    answer.assertProblem(501, "message_bus_not_provisioned");
  }
  (await plane.call("POST", "/v1/nodes/n/credentials"))
    .assertProblem(501, "message_bus_not_provisioned");
  (await plane.admin("GET", "/message-bus"))
    .assertProblem(501, "message_bus_not_provisioned");
  assert.deepEqual((await plane.call("GET", "/readyz")).json, {
    status: "ready",
    reasons: [],
  });
});

Deno.test("the first credentials need the bus, and say so", async () => {
  await using plane = await RunningPlane.start({ messageBus: BUS_AWAY });
  for (const node of [await plane.join(), await join2(plane)]) {
    const answer = await node.call("POST", "/credentials", ASKED);
    answer.assertProblem(503, "message_bus_unavailable");
    assert.equal(answer.headers.get("retry-after"), "5");
  }
  assert.equal((await plane.call("GET", "/readyz")).status, 200);
});

Deno.test("a node may ask for credentials so often, and another one still", async () => {
  await using plane = await RunningPlane.start({ messageBus: BUS_AWAY });
  const [node, other] = [await plane.join(), await plane.join()];
  const ask = () => node.call("POST", "/credentials", ASKED);
  for (let count = 0; count < 30; count++) {
    assert.equal((await ask()).status, 503);
  }
  (await ask()).assertProblem(429, "per_node_rate_limited");
  assert.equal((await other.call("POST", "/credentials", ASKED)).status, 503);
  await plane.clock.advance(1_000);
  assert.equal((await ask()).status, 503);
});

Deno.test({
  name: "credentials say whose they are, where the bus is, and until when",
  ignore,
  async fn() {
    const advertised = ["tls://bus.example:4222"];
    await using world = await BusWorld.start({
      advertised,
      credentialsTtlMs: 60_000,
    });
    const node = await world.plane.join();
    const { user_jwt, user_seed, issued_at, expires_at, ...rest } =
      await credentialsOf(node);
    assert.deepEqual(rest, {
      carrier: "nats",
      servers: advertised,
      stream: "PLEXD_EVENTS",
      consumer: node.id,
      subject: `plexd.v1.${node.domainId}.${node.id}.events`,
      inbox_prefix: `_INBOX.node-${node.id}`,
      node_name: "web-1",
      domain_id: node.domainId,
      domain_name: "default",
    });
    const ttlMs = Date.parse(expires_at) - Date.parse(issued_at);
    assert.ok(ttlMs > 58_000 && ttlMs <= 60_000, String(ttlMs));
    const claims = decode(user_jwt);
    assert.equal(claims.exp, Date.parse(expires_at) / 1_000);
    // Another key for each: nobody can tell from one what another is.
    assert.notEqual((await credentialsOf(node)).user_seed, user_seed);

    const { json } = await world.plane.admin("GET", "/audit");
    const rows = (json["audit"] as Record<string, unknown>[]).filter((row) =>
      row["relation"] === "node_credentials.issue"
    );
    assert.deepEqual(
      rows.map(({ subject, object, outcome }) => [subject, object, outcome]),
      Array(2).fill([`node:${node.id}`, `node:${node.id}`, "granted"]),
    );
  },
});

Deno.test({
  name: "what opens the bus is neither kept nor logged nor shown",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const { plane } = world;
    const { user_jwt, user_seed } = await credentialsOf(await plane.join());
    const shown = [
      databaseDump(plane.dataDir),
      plane.log.text,
      (await plane.admin("GET", "/message-bus")).text,
      (await plane.admin("GET", "/audit")).text,
      world.nats.log,
    ].join("\n");
    for (const secret of [user_jwt, user_seed]) {
      assert.ok(!shown.includes(secret));
    }
    // Seeds of operators, accounts and users begin so.
    assert.doesNotMatch(shown, /\bS[OAU][A-Z2-7]{56}\b/);
  },
});

Deno.test({
  name: "expired credentials end the connection, and open no other one",
  ignore,
  async fn() {
    await using world = await BusWorld.start({ credentialsTtlMs: 2_000 });
    const node = await world.plane.join();
    // On a busy machine they may expire before anybody has connected.
    await using bus = await eventually(
      "fresh ones open the bus",
      () => BusNode.of(node),
    );
    assert.ok(await bus.connection.closed() instanceof Error);
    // The server counts in seconds: within this one they may still do.
    await eventually("they open nothing any more", async () => {
      try {
        const reopened = await BusNode.connect(bus.credentials);
        await reopened.connection.close();
        return undefined;
      } catch (error) {
        return error;
      }
    });
    const found = await eventually("fresh ones read on", async () => {
      await using again = await BusNode.of(node);
      await node.admin("PUT", "/metadata/k", { value: "v" });
      return await again.fetch(1);
    });
    assert.ok(found.length > 0);
  },
});

for (
  const [what, method, path] of [
    ["deleted", "DELETE", ""],
    ["revoked", "POST", "/revoke"],
  ] as const
) {
  Deno.test({
    name: `a node that is ${what} reads nothing more, whatever it holds`,
    ignore,
    async fn() {
      await using world = await BusWorld.start();
      const node = await world.plane.join();
      await using bus = await BusNode.of(node);
      await node.admin("PUT", "/metadata/k", { value: "v" });
      await world.published(1);
      await node.admin(method, path);
      await world.nats.stop();
      await world.nats.start();
      await world.connected();
      await using late = await BusNode.connect(bus.credentials);
      await assert.rejects(late.fetch(1), /consumer not found/);
      assert.equal((await world.figures())["readers"], 0);
      const answer = await node.call("POST", "/credentials", ASKED);
      answer.assertProblem(401, "unauthorized");
    },
  });
}

Deno.test({
  name: "a node that does not come back is forgotten by the bus",
  ignore,
  async fn() {
    await using world = await BusWorld.start({}, { isLive: false });
    const node = await world.plane.join();
    await credentialsOf(node);
    await world.plane.clock.advance(19 * 60_000);
    assert.equal((await world.figures())["readers"], 1);
    await world.plane.clock.advance(3 * 60_000);
    assert.equal((await world.figures())["readers"], 0);
    await credentialsOf(node);
    assert.equal((await world.figures())["readers"], 1);
  },
});
