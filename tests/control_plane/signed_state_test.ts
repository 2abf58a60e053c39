import assert from "node:assert/strict";
import { Keyring } from "../../src/trust/keyring.ts";
import { verifyBundle } from "../../src/trust/verify_bundle.ts";
import { verifySnapshot } from "../../src/trust/verify_snapshot.ts";
import { contentParser } from "../../src/wire/content_parser.ts";
import {
  parseSignedSnapshot,
  SNAPSHOT_MEDIA_TYPE,
} from "../../src/wire/signed_snapshot.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { parseTrustBundle } from "../../src/wire/trust_bundle.ts";
import { join2 } from "./dialect2_node.ts";
import { newPublicKey, RunningPlane, type TestNode } from "./running_plane.ts";

const BOTH = `${SNAPSHOT_MEDIA_TYPE}, application/json;q=0.9`;

function pull(node: TestNode, headers: Record<string, string> = {}) {
  return node.plane.call("GET", `/v1/nodes/${node.id}/state`, {
    bearer: node.secretKey,
    headers: { accept: BOTH, ...headers },
  });
}

async function signedState(node: TestNode) {
  const answer = await pull(node);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get("content-type"), SNAPSHOT_MEDIA_TYPE);
  return parseSignedSnapshot(answer.text);
}

function trustOf(node: TestNode, current = node.signingKey) {
  return {
    keyring: new Keyring({ current, retired: [], signedChange: false }),
    nodeId: node.id,
    dialect: 1 as const,
    revokedKeyIds: new Set<string>(),
    acceptedEpoch: 0,
  };
}

Deno.test("a signed state verifies, and holds what a plain one holds", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/metadata/region", { value: "eu" });
  const signed = await signedState(node);
  const nowMs = plane.clock.now();
  const verified = verifySnapshot(signed, trustOf(node), nowMs);
  assert.equal(verified.expiresAtMs - verified.issuedAtMs, 24 * 3_600_000);
  const plain = await node.call("GET", "/state");
  assert.equal(plain.headers.get("content-type"), "application/json");
  assert.equal(plain.text.trim(), signed.content);
  const { position } = parseStateDocument(plain.text);
  assert.deepEqual(position, { epoch: signed.epoch, version: signed.version });
});

for (
  const [accept, isSigned] of [
    [SNAPSHOT_MEDIA_TYPE, true],
    [BOTH, true],
    [`application/json, ${SNAPSHOT_MEDIA_TYPE}`, true],
    [`application/json, ${SNAPSHOT_MEDIA_TYPE};q=0.5`, false],
    [`${SNAPSHOT_MEDIA_TYPE};q=0`, false],
    [`${SNAPSHOT_MEDIA_TYPE};q=nonsense, */*;q=0.1`, false],
    ["application/*", false],
    ["*/*", false],
    ["application/json", false],
  ] as const
) {
  Deno.test(`"Accept: ${accept}" asks for a ${isSigned ? "signed" : "plain"} state`, async () => {
    await using plane = await RunningPlane.start();
    const answer = await pull(await plane.join(), { accept });
    const type = answer.headers.get("content-type");
    assert.equal(type, isSigned ? SNAPSHOT_MEDIA_TYPE : "application/json");
    assert.equal(answer.headers.get("vary"), "accept, accept-encoding");
  });
}

Deno.test("one version never has two contents, whatever changes them", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const first = await signedState(node);
  assert.equal((await signedState(node)).contentSha256, first.contentSha256);
  await plane.admin("POST", "/signing-keys/rotate", { transition: "10m" });
  const rotated = await signedState(node);
  assert.ok(rotated.version > first.version);
  await plane.clock.advance(11 * 60_000);
  const over = await signedState(node);
  assert.notEqual(over.contentSha256, rotated.contentSha256);
  assert.ok(over.version > rotated.version);
  await plane.restart();
  assert.equal((await signedState(node)).version, over.version);
});

Deno.test("the key that is current signs, and the bundle vouches for it", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const rotated = await plane.admin("POST", "/signing-keys/rotate", {
    transition: "0s",
  });
  const signed = await signedState(node);
  const nowMs = plane.clock.now();
  assert.throws(
    () => verifySnapshot(signed, trustOf(node), nowMs),
    { kind: "unknown_key_id" },
  );
  const current = String(rotated.json["current"]);
  verifySnapshot(signed, trustOf(node, current), nowMs);
  const answer = await node.call("GET", "/trust-bundle");
  const bundle = parseTrustBundle(answer.text);
  assert.equal(bundle.version, 2);
  assert.deepEqual(bundle.signingKeys, [current]);
  assert.equal(bundle.revokedKeyIds.length, 1);
});

Deno.test("registration hands out the root, and a bundle that it has signed", async () => {
  await using plane = await RunningPlane.start({ signedStates: "required" });
  const { json } = await plane.register(await plane.token(), {
    public_key: newPublicKey(),
  });
  assert.equal(json["snapshots"], "required");
  const root = String(json["trust_root"]);
  const pinned = {
    roots: [root],
    revokedKeyIds: [],
    version: 0,
    signedText: "",
  };
  const bundle = parseTrustBundle(JSON.stringify(json["trust_bundle"]));
  verifyBundle(bundle, pinned);
  assert.deepEqual(bundle.signingKeys, [json["signing_public_key"]]);
  const transition = await plane.admin("POST", "/signing-keys/rotate", {});
  assert.equal(transition.status, 200, transition.text);
  await plane.restart();
  const node = await plane.join();
  const later = parseTrustBundle(
    (await node.call("GET", "/trust-bundle")).text,
  );
  verifyBundle(later, { ...pinned, version: 1, signedText: bundle.signedText });
  assert.equal(later.signingKeys.length, 2);
});

Deno.test("a signed answer names the trust bundle, a request what was applied", async () => {
  await using plane = await RunningPlane.start({ snapshotLifetimeMs: 5_000 });
  const node = await plane.join();
  const answer = await pull(node, { "x-plexd-applied": "7.3" });
  assert.equal(answer.headers.get("x-plexd-trust-bundle"), "1");
  await pull(node, { "x-plexd-applied": "nonsense" });
  const { json } = await node.admin("GET", "");
  assert.deepEqual(json["applied_snapshot"], {
    epoch: 7,
    version: 3,
    since: new Date(plane.clock.now()).toISOString(),
  });
  const { issuedAt, expiresAt } = await signedState(node);
  assert.equal(Date.parse(expiresAt) - Date.parse(issuedAt), 5_000);
});

Deno.test("a node of dialect 2 gets its own document signed, without reachability", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const pull2 = async () => {
    const answer = await plane.call("GET", `/v1/nodes/${node.id}/state`, {
      bearer: node.bearer,
      headers: { accept: BOTH },
    });
    assert.equal(answer.status, 200, answer.text);
    return parseSignedSnapshot(answer.text);
  };
  const signed = await pull2();
  assert.equal(signed.dialect, 2);
  assert.equal("reachability" in JSON.parse(signed.content), false);
  contentParser(2)(signed.content);
  await plane.clock.advance(3 * 60_000);
  assert.equal(
    (await pull2()).version,
    signed.version,
    "time alone is nothing",
  );
});
