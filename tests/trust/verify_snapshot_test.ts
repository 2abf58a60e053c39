import assert from "node:assert/strict";
import { Keyring } from "../../src/trust/keyring.ts";
import { importSigningKey } from "../../src/trust/signing_key.ts";
import {
  RefusedSnapshotError,
  type SnapshotTrust,
  verifySnapshot,
} from "../../src/trust/verify_snapshot.ts";
import {
  contentHash,
  encodeSnapshot,
  parseSignedSnapshot,
  type SignedSnapshot,
  snapshotSignedText,
} from "../../src/wire/signed_snapshot.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { VECTORS_NOW_MS as NOW } from "../vectors/load.ts";
import { publicKeyOf } from "./signers.ts";
import { signedSnapshot } from "./snapshots.ts";

const HOUR = 3_600_000;
const at = (ms: number) => new Date(NOW + ms).toISOString();

function trustOf(fields: Partial<SnapshotTrust> = {}): SnapshotTrust {
  return {
    keyring: new Keyring({
      current: publicKeyOf("A"),
      previous: publicKeyOf("B"),
      transitionExpiresMs: NOW + HOUR,
      retired: [],
      signedChange: false,
    }),
    nodeId: "n_1",
    dialect: 1,
    revokedKeyIds: new Set(),
    acceptedEpoch: 0,
    ...fields,
  };
}

function outcome(
  snapshot: SignedSnapshot,
  trust: SnapshotTrust = trustOf(),
  nowMs = NOW,
): string {
  try {
    return verifySnapshot(snapshot, trust, nowMs).signedBy;
  } catch (error) {
    if (error instanceof RefusedSnapshotError) return error.kind;
    throw error;
  }
}

Deno.test("the signed text of a snapshot is the one of the design", () => {
  const snapshot = signedSnapshot({ epoch: 3, version: 7 });
  assert.equal(
    snapshotSignedText(snapshot),
    "plexd-snapshot-v1\n" +
      '{"scope":"node:n_1","epoch":3,"version":7,"dialect":1' +
      `,"issued_at":"${at(0)}","expires_at":"${at(HOUR)}"` +
      `,"key_id":"${snapshot.keyId}"` +
      `,"content_sha256":"${snapshot.contentSha256}"}`,
  );
});

Deno.test("a snapshot is read as it was written, its content byte for byte", () => {
  const content = '{ "data":[{"payload": {"a":1.0,"a":2} }],"x":"é\\u00e9" }';
  const snapshot = signedSnapshot({ content });
  const read = parseSignedSnapshot(encodeSnapshot(snapshot));
  assert.deepEqual(read, snapshot);
  assert.equal(outcome(read), "current");
});

for (
  const [what, from, to] of [
    ["a member stands twice", '"epoch":1', '"epoch":1,"epoch":1'],
    [
      "its content holds a member twice",
      '{"metadata"',
      '{"x":1,"x":1,"metadata"',
    ],
    ["its epoch is 0", '"epoch":1', '"epoch":0'],
    ["its version is no integer", '"version":1', '"version":1.5'],
    ["its version is too large", '"version":1', '"version":9007199254740992'],
    ["its dialect is unknown", '"dialect":1', '"dialect":3'],
    ["its time is none", '"issued_at":"', '"issued_at":"x'],
    ["it has no signature", '"signature"', '"other"'],
    ["its content is no object", '"content":{', '"content":1,"y":{'],
  ] as const
) {
  Deno.test(`a snapshot is malformed when ${what}`, () => {
    const text = encodeSnapshot(signedSnapshot());
    const changed = text.replace(from, to);
    assert.notEqual(changed, text);
    assert.throws(() => parseSignedSnapshot(changed), ShapeError);
  });
}

Deno.test("what is said of a malformed snapshot is short, however deep it is", () => {
  const deep = '{"x":'.repeat(10_000) + '{"y":1,"y":2}' + "}".repeat(10_000);
  const text = encodeSnapshot(signedSnapshot({ content: deep }));
  assert.throws(
    () => parseSignedSnapshot(text),
    (error) => error instanceof ShapeError && error.message.length < 300,
  );
});

Deno.test("a good snapshot is verified, by the current key or the previous one", () => {
  assert.equal(outcome(signedSnapshot()), "current");
  assert.equal(outcome(signedSnapshot({}, "B")), "previous");
});

for (
  const [kind, snapshot] of [
    ["foreign", signedSnapshot({ scope: "node:n_2" })],
    ["dialect", signedSnapshot({ dialect: 2 })],
    ["unknown_key_id", signedSnapshot({}, "C")],
    ["signature", { ...signedSnapshot(), version: 2 }],
    ["signature", signedSnapshot({ signature: "x" })],
    ["hash", { ...signedSnapshot(), content: '{"metadata":{}}' }],
    ["future", signedSnapshot({ issuedAt: at(300_001) })],
    ["expired", signedSnapshot({ issuedAt: at(-HOUR), expiresAt: at(0) })],
    ["expired", signedSnapshot({ issuedAt: at(10), expiresAt: at(9) })],
  ] as const
) {
  Deno.test(`a snapshot is refused: ${kind}, ${snapshot.version}`, () => {
    assert.equal(outcome(snapshot), kind);
  });
}

Deno.test("the previous key signs no snapshot once its transition is over", () => {
  const snapshot = signedSnapshot({ expiresAt: at(3 * HOUR) }, "B");
  assert.equal(outcome(snapshot, trustOf(), NOW + HOUR), "unknown_key_id");
});

Deno.test("a revoked key signs no snapshot", () => {
  const id = importSigningKey(publicKeyOf("A"))!.fingerprint;
  const trust = trustOf({ revokedKeyIds: new Set([id]) });
  assert.equal(outcome(signedSnapshot(), trust), "revoked_key");
});

Deno.test("no field of a snapshot can be changed, and none of its key", () => {
  const text = encodeSnapshot(signedSnapshot());
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index) === 0x31 ? "2" : "1";
    const changed = text.slice(0, index) + code + text.slice(index + 1);
    let kind: string;
    try {
      kind = outcome(parseSignedSnapshot(changed));
    } catch (error) {
      assert.ok(error instanceof ShapeError, String(error));
      continue;
    }
    assert.notEqual(kind, "current", `changed at ${index}: ${changed}`);
  }
});

const content = '{"policies":[],"metadata":{"a":"b"}}';
for (
  const [kind, mark, fields] of [
    ["current", [1, 4], { epoch: 1, version: 5 }],
    ["rolled_back", [1, 6], { epoch: 1, version: 5 }],
    ["rolled_back", [2, 1], { epoch: 1, version: 5 }],
    ["unknown_epoch", [1, 4], { epoch: 2, version: 1 }],
    ["equivocation", [1, 5], { epoch: 1, version: 5 }],
    ["current", [1, 5], { epoch: 1, version: 5, content }],
  ] as const
) {
  const place = `(${fields.epoch}, ${fields.version}) after (${mark})`;
  Deno.test(`a snapshot ${place} ends as ${kind}`, () => {
    const [epoch, version] = mark;
    const contentSha256 = contentHash(content);
    const trust = trustOf({ mark: { epoch, version, contentSha256 } });
    assert.equal(outcome(signedSnapshot(fields), trust), kind);
  });
}

Deno.test("an accepted epoch may be entered, a later one not", () => {
  const mark = { epoch: 1, version: 9, contentSha256: "x" };
  const trust = trustOf({ mark, acceptedEpoch: 2 });
  assert.equal(outcome(signedSnapshot({ epoch: 2 }), trust), "current");
  assert.equal(outcome(signedSnapshot({ epoch: 3 }), trust), "unknown_epoch");
});
