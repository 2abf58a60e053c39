import assert from "node:assert/strict";
import { openSqliteStorage } from "../../../src/control_plane/sqlite_storage.ts";
import type {
  Rows,
  Storage,
} from "../../../src/control_plane/storage/storage.ts";

const DOMAIN = "d";

async function add(rows: Rows, id: string) {
  await rows.nodes.add({
    id,
    domainId: DOMAIN,
    dialect: 2,
    hostname: id,
    publicKey: "key",
    meshIp: `10.42.0.${id}`,
    labels: "{}",
    sealedKey: new Uint8Array(1),
    firstSequence: 0,
    registeredAtMs: 0,
  }, new TextEncoder().encode(id));
}

async function withStorage(test: (storage: Storage) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "plexd-cp-" });
  const storage = openSqliteStorage(`${folder}/db`);
  try {
    await storage.write(async (rows) => {
      await rows.domains.add({
        id: DOMAIN,
        name: "default",
        meshCidr: "10.42.0.0/16",
      });
      for (const id of ["1", "2"]) await add(rows, id);
    });
    await test(storage);
  } finally {
    storage.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** By the big statement and by the small one, which must say the same. */
async function peers(storage: Storage) {
  return await storage.read(async ({ composition }) => {
    const { peers } = await composition.rowsFor("1", DOMAIN);
    const alone = await composition.peersOf(DOMAIN);
    assert.equal(alone, peers, "kept once");
    assert.ok(Object.isFrozen(peers));
    return peers;
  });
}

Deno.test("the nodes of a domain are read again only when they look different", async () => {
  await withStorage(async (storage) => {
    const first = await peers(storage);
    assert.deepEqual(first.map(({ nodeId }) => nodeId), ["1", "2"]);
    await storage.write(async ({ nodes }) => {
      await nodes.heartbeat("2", { atMs: 5, text: "{}" });
      await nodes.setEndpoint("2", "", "unknown", 5);
    });
    assert.equal(await peers(storage), first, "a heartbeat changes no peer");

    const changes: ((rows: Rows) => unknown)[] = [
      ({ nodes }) => nodes.setEndpoint("2", "192.0.2.1:1", "unknown", 6),
      ({ nodes }) => nodes.rotated("2", "new key", "r"),
      (rows) => add(rows, "3"),
      ({ nodes }) => nodes.revoke("3", 7),
      ({ nodes }) => nodes.remove("2"),
    ];
    let before = first;
    for (const change of changes) {
      await storage.write(async (rows) => {
        await change(rows);
      });
      const after = await peers(storage);
      assert.notDeepEqual(after, before);
      before = after;
    }
    assert.deepEqual(before.map(({ nodeId }) => nodeId), ["1"]);
  });
});

Deno.test("what was rolled back is in no list of peers", async () => {
  await withStorage(async (storage) => {
    for (const id of ["8", "9"]) {
      const failed = storage.write(async (rows) => {
        await add(rows, id);
        const { length } = await rows.composition.peersOf(DOMAIN);
        assert.equal(length, 3, "a transaction sees what it did itself");
        throw new RangeError("changed its mind");
      });
      await assert.rejects(failed, RangeError);
    }
    assert.equal((await peers(storage)).length, 2);
  });
});
