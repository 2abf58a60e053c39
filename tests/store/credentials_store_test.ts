import assert from "node:assert/strict";
import {
  CREDENTIALS_FILE,
  ENROLLED_MARK,
  keyFingerprint,
} from "../../src/store/credentials_file.ts";
import type { Finding } from "../../src/store/finding.ts";
import { type Membership, openMembership } from "../../src/store/membership.ts";
import type { CarrierCredentials } from "../../src/wire/carrier_credentials.ts";
import { repairMembership } from "../../src/store/repair.ts";
import { systemDisk } from "../../src/store/disk.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { surveyMembership } from "../../src/store/survey.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { CrashDisk } from "./crash_disk.ts";
import { IDENTITY } from "./full_store.ts";
import { inFolder, openStore } from "./open_store.ts";

const CARRIER: CarrierCredentials = {
  carrier: "nats",
  servers: ["nats://127.0.0.1:4222"],
  stream: "PLEXD_EVENTS",
  consumer: "node-1",
  subject: "plexd.v1.domain-1.node-1.events",
  inbox_prefix: "_INBOX.node-1",
  user_jwt: "canary-jwt",
  user_seed: "canary-seed",
  issued_at: "2026-03-01T12:00:00Z",
  expires_at: "2026-03-01T12:10:00Z",
  node_name: "edge 7",
  domain_name: "north",
};

const KEY = await sealKeyFrom(new Uint8Array(32).fill(7), "file");

function withStore(work: (store: Membership) => Promise<void>) {
  return inFolder(async (dir) => {
    const { store } = await openStore(dir);
    try {
      await work(store);
    } finally {
      await store.close();
    }
  });
}

const fileOf = ({ paths }: Membership) => `${paths.root}/${CREDENTIALS_FILE}`;

Deno.test("CredentialsStore gives an identity of an older version its file, once", () =>
  withStore(async (store) => {
    await store.identity.save(IDENTITY);
    assert.equal(store.credentials.current, undefined);
    assert.equal(await store.credentials.take(IDENTITY), true);
    assert.deepEqual(store.credentials.current, {
      url: "https://control.example",
      dialect: 1,
      nodeId: "node-1",
      domainId: "domain-1",
      key: {
        source: "file",
        fingerprint: keyFingerprint(IDENTITY.nodeSecretKey),
      },
    });
    const { mode } = Deno.statSync(fileOf(store));
    assert.equal((mode ?? 0) & 0o777, 0o600);
    const text = Deno.readTextFileSync(fileOf(store));
    for (const open of ["control.example", "node-1", "canary"]) {
      assert.ok(!text.includes(open), open);
    }
    Deno.removeSync(fileOf(store));
    assert.equal(await store.credentials.take(IDENTITY), false);
    assert.equal(store.credentials.current, undefined);
  }));

Deno.test("CredentialsStore keeps carrier credentials and names over a restart", () =>
  inFolder(async (dir) => {
    const first = await openStore(dir);
    await first.store.credentials.take(IDENTITY);
    await first.store.credentials.saveCarrier(CARRIER);
    await first.store.close();
    const text = Deno.readTextFileSync(fileOf(first.store));
    assert.ok(!text.includes("canary"));

    const { store } = await openStore(dir);
    assert.equal(await store.credentials.take(IDENTITY), true);
    assert.deepEqual(store.credentials.carrier, CARRIER);
    assert.equal(store.credentials.current?.nodeName, "edge 7");
    assert.equal(store.credentials.current?.domainName, "north");
    await store.credentials.saveCarrier(undefined);
    assert.equal(store.credentials.carrier, undefined);
    assert.equal(store.credentials.current?.nodeName, "edge 7");
    await store.close();
  }));

Deno.test("CredentialsStore keeps what is in use while its file is damaged", () =>
  withStore(async (store) => {
    const { credentials } = store;
    await credentials.take(IDENTITY);
    await credentials.saveCarrier(CARRIER);
    const sound = Deno.readFileSync(fileOf(store));
    for (const at of [0, 20, sound.length - 5]) {
      const damaged = sound.slice();
      damaged[at]! ^= 1;
      Deno.writeFileSync(fileOf(store), damaged);
      assert.equal(await credentials.take(IDENTITY), true);
      assert.deepEqual(credentials.carrier, CARRIER);
      assert.match(credentials.fault ?? "", /^identity\/credentials.json: /);
      assert.match(credentials.fault ?? "", /plexd store repair/);
    }
    const told: unknown[] = [];
    const stop = credentials.onChange(() => told.push(credentials.fault));
    // What a person has to look at is not written over.
    await credentials.saveCarrier(undefined);
    assert.notDeepEqual(Deno.readFileSync(fileOf(store)), sound);
    Deno.writeFileSync(fileOf(store), sound);
    // Two writes of a test may fall into one tick of the file system's clock.
    Deno.utimeSync(fileOf(store), 1, 1);
    assert.equal(credentials.isAsSeen(), false);
    assert.equal(await credentials.take(IDENTITY), true);
    assert.equal(credentials.isAsSeen(), true);
    assert.equal(credentials.fault, undefined);
    assert.deepEqual(credentials.carrier, CARRIER);
    assert.equal(told.at(-1), undefined);
    stop();
  }));

Deno.test("CredentialsStore starts with what the identity says when its file is damaged", () =>
  inFolder(async (dir) => {
    const first = await openStore(dir);
    await first.store.credentials.take(IDENTITY);
    await first.store.close();
    Deno.writeTextFileSync(fileOf(first.store), "{}\n");
    const { store } = await openStore(dir);
    assert.equal(await store.credentials.take(IDENTITY), true);
    assert.equal(store.credentials.current?.nodeId, "node-1");
    assert.match(store.credentials.fault ?? "", /lacks parts of a seal/);
    await store.credentials.renew(IDENTITY);
    assert.equal(store.credentials.fault, undefined);
    await store.close();
  }));

Deno.test("CredentialsStore does not use the file of another identity", () =>
  withStore(async (store) => {
    const { credentials } = store;
    await credentials.take({ ...IDENTITY, nodeSecretKey: "another" });
    const foreign = Deno.readFileSync(fileOf(store));
    // A join was cut off after its identity was stored: no mark of this one.
    assert.equal(await credentials.take(IDENTITY), true);
    assert.equal(credentials.fault, undefined);
    Deno.writeFileSync(fileOf(store), foreign);
    assert.equal(await credentials.take(IDENTITY), true);
    assert.match(credentials.fault ?? "", /belongs to another identity/);
    assert.equal(
      credentials.current?.key.fingerprint,
      keyFingerprint(IDENTITY.nodeSecretKey),
    );
  }));

Deno.test("CredentialsStore writes nothing where its file was taken away", () =>
  withStore(async (store) => {
    await store.credentials.take(IDENTITY);
    Deno.removeSync(fileOf(store));
    await store.credentials.saveCarrier(CARRIER);
    assert.throws(() => Deno.statSync(fileOf(store)), Deno.errors.NotFound);
    assert.deepEqual(store.credentials.carrier, CARRIER);
  }));

Deno.test("CredentialsStore writes nothing over a file that somebody has put in place", () =>
  withStore(async (store) => {
    await store.credentials.take(IDENTITY);
    Deno.removeSync(fileOf(store));
    Deno.writeTextFileSync(fileOf(store), "put in place");
    await store.credentials.saveCarrier(CARRIER);
    assert.equal(Deno.readTextFileSync(fileOf(store)), "put in place");
    assert.deepEqual(store.credentials.carrier, CARRIER);
  }));

Deno.test("CredentialsStore keeps carrier credentials that come while it reads its file", () =>
  inFolder(async (dir) => {
    const first = await openStore(dir);
    const { credentials } = first.store;
    await credentials.take(IDENTITY);
    await Promise.all([
      credentials.take(IDENTITY),
      credentials.saveCarrier(CARRIER),
    ]);
    assert.deepEqual(credentials.carrier, CARRIER);
    assert.equal(credentials.isAsSeen(), true);
    await first.store.close();
    const { store } = await openStore(dir);
    await store.credentials.take(IDENTITY);
    assert.deepEqual(store.credentials.carrier, CARRIER);
    await store.close();
  }));

Deno.test("CredentialsStore writes nothing where its file was taken away in the middle of it", () =>
  inFolder(async (dir) => {
    const random = new FakeRandom();
    let isSealing = false;
    const { store } = await openStore(dir, systemDisk, new FakeClock(), {
      unit: () => random.unit(),
      bytes(length) {
        if (isSealing) Deno.removeSync(fileOf(store));
        isSealing = false;
        return random.bytes(length);
      },
    });
    await store.credentials.take(IDENTITY);
    isSealing = true;
    await store.credentials.saveCarrier(CARRIER);
    assert.equal(isSealing, false, "nothing was sealed");
    assert.throws(() => Deno.statSync(fileOf(store)), Deno.errors.NotFound);
    assert.equal(await store.credentials.take(IDENTITY), false);
    await store.close();
  }));

Deno.test("CredentialsStore goes on after a write that failed", () =>
  withStore(async (store) => {
    const { credentials } = store;
    await credentials.take(IDENTITY);
    Deno.removeSync(store.paths.tmp, { recursive: true });
    await assert.rejects(credentials.saveCarrier(CARRIER), StoreWriteError);
    assert.deepEqual(credentials.carrier, CARRIER);
    Deno.mkdirSync(store.paths.tmp);
    await credentials.saveCarrier(undefined);
    assert.equal(await credentials.take(IDENTITY), true);
    assert.equal(credentials.carrier, undefined);
  }));

Deno.test("CredentialsStore takes a damaged mark for a mark", () =>
  withStore(async (store) => {
    await store.credentials.take(IDENTITY);
    Deno.writeTextFileSync(`${store.paths.root}/${ENROLLED_MARK}`, "?");
    Deno.removeSync(fileOf(store));
    assert.equal(await store.credentials.take(IDENTITY), false);
  }));

Deno.test("CredentialsStore works with a damaged mark that cannot be written anew", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store, recovered } = await openStore(dir, disk);
    await store.credentials.take(IDENTITY);
    Deno.writeTextFileSync(`${store.paths.root}/${ENROLLED_MARK}`, "?");
    disk.plan({ at: 1, then: "go_on", code: "EROFS" });
    assert.equal(await store.credentials.take(IDENTITY), true);
    assert.equal(recovered[0]?.file, ENROLLED_MARK);
    await store.close();
  }));

Deno.test("forgetNode leaves no credentials behind", () =>
  withStore(async (store) => {
    await store.identity.save(IDENTITY);
    await store.credentials.take(IDENTITY);
    await store.forgetNode();
    const names = [...Deno.readDirSync(store.paths.identity)];
    assert.deepEqual(names, []);
    assert.equal(store.credentials.current, undefined);
  }));

for (const damaged of [CREDENTIALS_FILE, ENROLLED_MARK]) {
  Deno.test(`a survey finds a damaged ${damaged}, and a repair writes it anew`, () =>
    inFolder(async (dir) => {
      const { store } = await openStore(dir);
      await store.identity.save(IDENTITY);
      await store.trust.save({ current: "c", retired: [], signedChange: true });
      await store.credentials.take(IDENTITY);
      await store.close();
      Deno.writeTextFileSync(`${store.paths.root}/${damaged}`, "{}\n");
      const options = {
        dataDir: dir,
        cluster: "default",
        seal: () => Promise.resolve(KEY),
        clock: new FakeClock(),
        random: new FakeRandom(),
      };
      const files = (found: readonly Finding[] = []) =>
        found.map(({ file }) => file);
      const survey = await surveyMembership(options);
      assert.deepEqual(files(survey?.findings), [damaged]);
      const { repaired, left } = await repairMembership({
        ...options,
        open: (recovered) =>
          openMembership({
            ...options,
            seal: KEY,
            log: new MemoryLog(),
            recovered,
          }),
      });
      assert.deepEqual(files(repaired), [damaged]);
      assert.deepEqual(left, []);
      assert.deepEqual((await surveyMembership(options))?.findings, []);
    }));
}
