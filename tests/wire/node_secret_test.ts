import assert from "node:assert/strict";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { vectors } from "../vectors/load.ts";

for (const { name, nsk, expect, aes_key_hex } of vectors.nsk_to_aes_key) {
  Deno.test(`nodeSecretToKey() ends as in vector ${name}`, () => {
    if (expect === "ok") {
      assert.equal(nodeSecretToKey(nsk).toHex(), aes_key_hex);
    } else {
      assert.throws(() => nodeSecretToKey(nsk), ShapeError);
    }
  });
}

Deno.test("nodeSecretToKey() counts bytes, not characters", () => {
  assert.throws(() => nodeSecretToKey("é".repeat(32)), ShapeError);
  assert.equal(nodeSecretToKey("é".repeat(16)).length, 32);
});

Deno.test("nodeSecretToKey() does not quote what it refuses", () => {
  assert.throws(
    () => nodeSecretToKey("nsk-secret-value"),
    (error: Error) => !error.message.includes("nsk-secret-value"),
  );
});
