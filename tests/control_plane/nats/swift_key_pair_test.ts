import assert from "node:assert/strict";
import { createAccount, fromPublic, fromSeed } from "@nats-io/nkeys";
import { swiftKeyPair } from "../../../src/control_plane/nats/swift_key_pair.ts";

Deno.test("a swift key pair is the same key pair, byte for byte", () => {
  for (let round = 0; round < 4; round++) {
    const pair = createAccount();
    const swift = swiftKeyPair(pair);
    assert.equal(swift.getPublicKey(), pair.getPublicKey());
    assert.deepEqual(swift.getPrivateKey(), pair.getPrivateKey());
    assert.deepEqual(fromSeed(swift.getSeed()).getSeed(), pair.getSeed());
    const message = crypto.getRandomValues(new Uint8Array(round * 100));
    const signature = swift.sign(message);
    // Ed25519 has one signature for a key and a message.
    assert.deepEqual(signature, pair.sign(message));
    assert.ok(swift.verify(message, signature));
    assert.ok(fromPublic(swift.getPublicKey()).verify(message, signature));
  }
});
