import assert from "node:assert/strict";
import { Changes } from "../../src/control_plane/changes.ts";
import { LocalFanOut } from "../../src/control_plane/event_fan_out.ts";
import {
  ensureSigningKey,
  listSigningKeys,
  revokeSigningKey,
  type SigningKeyServices,
} from "../../src/control_plane/signing_keys.ts";
import { openSqliteStorage } from "../../src/control_plane/sqlite_storage.ts";
import { StorageError } from "../../src/control_plane/storage/storage.ts";
import {
  beginRootRotation,
  ensureTrustBundle,
  finishRootRotation,
  openTrustRoot,
  renewTrustBundle,
  trustBundleText,
} from "../../src/control_plane/trust_bundles.ts";
import { Vault } from "../../src/control_plane/vault.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** Does something with the first signing key of a new database. */
async function withKeys(work: (services: SigningKeyServices) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "plexd-keys-" });
  const storage = openSqliteStorage(`${folder}/db`);
  try {
    const io = {
      clock: new FakeClock(),
      random: systemRandom,
      log: new MemoryLog(),
    };
    const vault = await Vault.open(`${folder}/key`, true, io.random);
    const changes = new Changes({ storage, fanOut: new LocalFanOut(), io });
    const services = { storage, changes, vault, io };
    await ensureSigningKey(services);
    await ensureTrustBundle(services);
    await work(services);
  } finally {
    storage.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("revoking the current signing key twice at once leaves the next one alone", async () => {
  await withKeys(async (services) => {
    const { storage, io } = services;
    const list = () =>
      storage.read((rows) => listSigningKeys(rows, io.clock.now()));
    const keyId = (await list())[0]!.keyId;

    // Both find it current.
    const [first, second] = await Promise.all(
      [1, 2].map(() => revokeSigningKey(services, keyId, async () => {})),
    );

    assert.ok(first);
    assert.deepEqual(second, first);
    assert.deepEqual((await list()).map(({ state }) => state), [
      "revoked",
      "current",
    ]);
  });
});

Deno.test("a trust root that was replaced meanwhile signs no bundle any more", async () => {
  await withKeys(async (services) => {
    const { storage, io } = services;
    const former = await openTrustRoot(services);
    await beginRootRotation(services, async () => {});
    await finishRootRotation(services, async () => {});
    const bundle = await storage.read(trustBundleText);
    await assert.rejects(
      storage.write((rows) => renewTrustBundle(rows, former, {}, io)),
      (error) => error instanceof StorageError && error.kind === "busy",
    );
    assert.equal(await storage.read(trustBundleText), bundle);
  });
});
