import assert from "node:assert/strict";
import { nodeUplinkFor } from "../../src/agent/node_uplink.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import type { Config } from "../../src/config/settings.ts";
import type { Identity } from "../../src/store/identity.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import {
  BEARER,
  never,
  NODE_ID,
  nodeAt,
  NSK,
} from "../uplink/dialect2_node.ts";
import { TestServer } from "../uplink/serve.ts";

function identityIn(dialect: Dialect): Identity {
  return {
    nodeId: NODE_ID,
    meshIp: "10.0.0.1",
    dialect,
    controlPlane: "https://control.example",
    enrolledAt: "2026-03-01T12:00:00Z",
    publicKey: "public",
    privateKey: new Uint8Array(32),
    nodeSecretKey: NSK,
    signingPublicKey: "signing",
  };
}

function uplinkIn(
  dialect: Dialect,
  wanted: Config["api.dialect"],
  url = "http://127.0.0.1:1",
) {
  const { http, clock } = nodeAt(url);
  const config = { "api.dialect": wanted };
  return nodeUplinkFor(identityIn(dialect), {
    http,
    config,
    version: "test",
    clock,
  });
}

for (const [dialect, bearer] of [[1, NSK], [2, BEARER]] as const) {
  Deno.test(`a node that joined in dialect ${dialect} speaks it, with its bearer`, async () => {
    await using server = new TestServer(() => new Response());
    const uplink = uplinkIn(dialect, "auto", server.url);
    assert.equal(uplink.dialect, dialect);
    await uplink.deregister(never);
    const sent = server.seen[0]?.headers.get("authorization");
    assert.equal(sent, `Bearer ${bearer}`);
  });
}

Deno.test("another dialect than the one it joined in is an error of the configuration", () => {
  assert.equal(uplinkIn(1, "1").dialect, 1);
  assert.equal(uplinkIn(2, "2").dialect, 2);
  assert.throws(() => uplinkIn(1, "2"), ConfigError);
  assert.throws(() => uplinkIn(2, "1"), ConfigError);
});
