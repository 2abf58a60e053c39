import assert from "node:assert/strict";
import { Vault } from "../../src/control_plane/vault.ts";
import { systemRandom } from "../../src/platform/random.ts";

async function withVault(work: (vault: Vault) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await work(await Vault.open(`${folder}/key`, true, systemRandom));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const plain = new TextEncoder().encode("plain");

Deno.test("unseal() gives back what seal() was given, each time sealed anew", () =>
  withVault(async (vault) => {
    const [one, two] = [
      await vault.seal("a", plain),
      await vault.seal("a", plain),
    ];
    assert.notDeepEqual(one, two);
    assert.deepEqual(await vault.unseal("a", one), plain);
    assert.deepEqual(await vault.unseal("a", two), plain);
  }));

Deno.test("unseal() refuses what was sealed for another role", () =>
  withVault(async (vault) => {
    const sealed = await vault.seal("secret:n1:k", plain);
    await assert.rejects(vault.unseal("secret:n2:k", sealed), /Cannot unseal/);
  }));

Deno.test("unseal() refuses every changed byte and every shortened text", () =>
  withVault(async (vault) => {
    const sealed = await vault.seal("a", plain);
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.with(at, sealed[at]! ^ 1);
      await assert.rejects(vault.unseal("a", changed), `byte ${at}`);
      const cut = sealed.slice(0, at);
      await assert.rejects(vault.unseal("a", cut), `cut at ${at}`);
    }
  }));
