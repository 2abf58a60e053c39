import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { createNodeKeyPair } from "../../src/trust/node_keys.ts";

Deno.test("createNodeKeyPair() gives a clamped private key and its public key", async () => {
  const { privateKey, publicKey } = await createNodeKeyPair();
  assert.equal(privateKey.length, 32);
  assert.equal(privateKey[0]! & 7, 0);
  assert.equal(privateKey[31]! & 0xc0, 0x40);
  const pkcs8 = Uint8Array.of(
    ...Uint8Array.fromHex("302e020100300506032b656e04220420"),
    ...privateKey,
  );
  const spki = createPublicKey(
    createPrivateKey({
      key: pkcs8.toBase64(),
      encoding: "base64",
      format: "der",
      type: "pkcs8",
    }),
  ).export({ type: "spki", format: "der" });
  assert.equal(spki.subarray(-32).toString("base64"), publicKey);
});

Deno.test("createNodeKeyPair() gives another key each time", async () => {
  const pairs = await Promise.all([createNodeKeyPair(), createNodeKeyPair()]);
  assert.notEqual(pairs[0].publicKey, pairs[1].publicKey);
});
