import assert from "node:assert/strict";
import { loadSealKey, sealKeyFrom } from "../../src/store/seal_key.ts";
import { sealText, unsealText } from "../../src/store/sealed_file.ts";
import { decryptSecret } from "../../src/trust/decrypt_secret.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { inFolder } from "./open_store.ts";

const TEXT = "canary-text";

/** Every byte array that Web Crypto takes as a key or secret, or gives out. */
async function handledBy(work: () => Promise<void>): Promise<Uint8Array[]> {
  const { encrypt, decrypt, importKey } = crypto.subtle;
  const handled: Uint8Array[] = [];
  const keep = (data: unknown) => {
    if (data instanceof Uint8Array) handled.push(data);
  };
  Object.assign(crypto.subtle, {
    importKey(...args: Parameters<typeof importKey>) {
      keep(args[1]);
      return importKey.apply(crypto.subtle, args);
    },
    encrypt(...args: Parameters<typeof encrypt>) {
      keep(args[2]);
      return encrypt.apply(crypto.subtle, args);
    },
    async decrypt(...args: Parameters<typeof decrypt>) {
      const plain = await decrypt.apply(crypto.subtle, args);
      handled.push(new Uint8Array(plain));
      return plain;
    },
  });
  try {
    await work();
  } finally {
    Object.assign(crypto.subtle, { encrypt, decrypt, importKey });
  }
  return handled;
}

function assertWiped(handled: readonly Uint8Array[], count: number) {
  assert.equal(handled.length, count);
  for (const bytes of handled) {
    assert.ok(bytes.length > 0);
    assert.ok(bytes.every((byte) => byte === 0));
  }
}

Deno.test("sealing and opening text leaves none of its bytes in memory", async () => {
  const key = await sealKeyFrom(new Uint8Array(32).fill(7), "file");
  const place = { cluster: "default", role: "request_token" } as const;
  const handled = await handledBy(async () => {
    const bytes = await sealText(key, place, TEXT, new FakeRandom());
    assert.equal(await unsealText(key, place, bytes), TEXT);
  });
  assertWiped(handled, 2);
});

Deno.test("the machine's key is wiped once the runtime has it", () =>
  inFolder(async (folder) => {
    const handled = await handledBy(async () => {
      await loadSealKey({
        keyFile: `${folder}/machine.key`,
        create: true,
        random: new FakeRandom(),
      });
    });
    assertWiped(handled, 1);
  }));

Deno.test("decrypting a secret leaves neither its bytes nor the copy of the key", async () => {
  const key = new Uint8Array(32).fill(9);
  const iv = new Uint8Array(12);
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, [
    "encrypt",
  ]);
  const secret = new TextEncoder().encode(TEXT);
  const bytes = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv },
    aes,
    secret,
  );
  const handled = await handledBy(async () => {
    const value = await decryptSecret(key, {
      key: "k",
      version: 1,
      nonce: iv.toBase64(),
      ciphertext: new Uint8Array(bytes).toBase64(),
    });
    assert.equal(value, TEXT);
  });
  assertWiped(handled, 2);
  assert.ok(key.every((byte) => byte === 9), "the node's key is in use");
});
