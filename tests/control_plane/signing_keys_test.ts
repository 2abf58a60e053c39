import assert from "node:assert/strict";
import { Changes } from "../../src/control_plane/changes.ts";
import { LocalFanOut } from "../../src/control_plane/event_fan_out.ts";
import {
  ensureSigningKey,
  listSigningKeys,
  revokeSigningKey,
} from "../../src/control_plane/signing_keys.ts";
import { openSqliteStorage } from "../../src/control_plane/sqlite_storage.ts";
import { ensureTrustBundle } from "../../src/control_plane/trust_bundles.ts";
import { Vault } from "../../src/control_plane/vault.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

Deno.test("revoking the current signing key twice at once leaves the next one alone", async () => {
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
  } finally {
    storage.close();
    await Deno.remove(folder, { recursive: true });
  }
});
