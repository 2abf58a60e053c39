import assert from "node:assert/strict";
import { openMembership } from "../../src/store/membership.ts";
import { readIdentity } from "../../src/store/read_identity.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import {
  CorruptIdentityError,
  SealKeyError,
} from "../../src/store/store_errors.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const identity = {
  nodeId: "n1",
  meshIp: "10.0.0.1",
  dialect: 1,
  controlPlane: "https://a.example",
  enrolledAt: "2026-03-01T12:00:00Z",
  publicKey: "cHVi",
  signingPublicKey: "c2ln",
  privateKey: new Uint8Array(32).fill(1),
  nodeSecretKey: "hunter2",
} as const;

interface Place {
  readonly dataDir: string;
  readonly cluster: string;
  readonly seal: () => ReturnType<typeof sealKeyFrom>;
}

/** @param joined Whether an identity is stored; the store stays open. */
async function inStore(
  joined: boolean,
  work: (place: Place, root: string) => Promise<void>,
) {
  const dataDir = await Deno.makeTempDir();
  const seal = () => sealKeyFrom(new Uint8Array(32).fill(7), "file");
  const place = { dataDir, cluster: "default", seal };
  try {
    await using store = await openMembership({
      ...place,
      clock: new FakeClock(),
      random: new FakeRandom(),
      log: new MemoryLog(),
    });
    if (joined) await store.identity.save(identity);
    await work(place, store.paths.root);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

Deno.test("readIdentity() reads who the node is while another holds the store", () =>
  inStore(true, async (place) => {
    const { privateKey: _, nodeSecretKey, ...known } = identity;
    assert.deepEqual(await readIdentity(place), {
      identity: known,
      nodeSecretKey,
    });
  }));

Deno.test("readIdentity() finds nobody before the node has joined, and changes nothing", () =>
  inStore(false, async (place) => {
    assert.equal(await readIdentity(place), undefined);
    const elsewhere = { ...place, dataDir: `${place.dataDir}/none` };
    assert.equal(await readIdentity(elsewhere), undefined);
    assert.equal(
      [...Deno.readDirSync(place.dataDir)].some(({ name }) => name === "none"),
      false,
    );
  }));

for (const file of ["identity.json", "node_secret_key.sealed"]) {
  Deno.test(`readIdentity() refuses a damaged ${file}`, () =>
    inStore(true, async (place, root) => {
      const path = `${root}/identity/${file}`;
      const bytes = Deno.readFileSync(path);
      bytes[bytes.length >> 1]! ^= 1;
      Deno.writeFileSync(path, bytes);
      await assert.rejects(readIdentity(place), CorruptIdentityError);
    }));
}

Deno.test("readIdentity() refuses another seal key", () =>
  inStore(true, async (place) => {
    const seal = () => sealKeyFrom(new Uint8Array(32).fill(8), "file");
    await assert.rejects(
      readIdentity({ ...place, seal }),
      (error) => error instanceof SealKeyError && error.kind === "wrong_key",
    );
  }));
