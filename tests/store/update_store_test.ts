import assert from "node:assert/strict";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import { surveyMembership } from "../../src/store/survey.ts";
import type { Disk } from "../../src/store/disk.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { openUpdates } from "../../src/store/update_store.ts";
import { verifyArtifact } from "../../src/trust/verify_artifact.ts";
import { encodeBase64 } from "../../src/wire/base64.ts";
import type { VerifiedArtifact } from "../../src/wire/release.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { publicKeyOf, signWith } from "../trust/signers.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, openStore } from "./open_store.ts";

const AT = "2026-03-01T12:00:00.000Z";
const SUM = "ab".repeat(32);

function artifact(version: string): VerifiedArtifact {
  const name = `plexd-${version}-linux-amd64.tar.gz`;
  const sums = `${SUM}  ${name}\n`;
  const signature = encodeBase64(
    signWith("A", new TextEncoder().encode(sums)),
  );
  const release = { version, name, sums, signature };
  return verifyArtifact(release, [publicKeyOf("A")]);
}

const FORMER = {
  version: "1.0.0",
  path: "/usr/bin/plexd.1.0.0",
  sha256: SUM,
};

Deno.test("UpdateStore keeps what runs, what is staged and what can be put back", () =>
  inFolder(async (dataDir) => {
    const clock = new FakeClock();
    const { store } = await openStore(dataDir, undefined, clock);
    const { updates } = store;
    assert.deepEqual(updates.record, {});
    updates.running("1.0.0");
    updates.assign("early");

    // Another process, while the membership is held.
    const other = openUpdates({
      dataDir,
      cluster: "default",
      clock,
      log: new MemoryLog(),
    })!;
    const next = artifact("1.1.0");
    other.stage(next);
    assert.deepEqual(updates.record, {
      current: { version: "1.0.0", since: AT },
      pending: { artifact: { ...next }, since: AT },
      canaryGroup: "early",
    });
    other.activate(next, FORMER);
    clock.jump(1_000);
    updates.running("1.1.0");
    const activated = {
      current: { version: "1.1.0", since: AT, artifact: { ...next } },
      canaryGroup: "early",
      rollback: FORMER,
      last: { version: "1.1.0", outcome: "activated", at: AT, detail: "" },
    };
    assert.deepEqual(updates.record, activated);

    other.rolledBack("1.1.0", "not ready in time");
    assert.deepEqual(updates.record, {
      current: { version: "1.0.0", since: "2026-03-01T12:00:01.000Z" },
      canaryGroup: "early",
      last: {
        version: "1.1.0",
        outcome: "rolled_back",
        at: "2026-03-01T12:00:01.000Z",
        detail: "not ready in time",
      },
    });
    other.stage(next);
    other.failed("1.1.0", "no space");
    assert.equal(updates.record.pending, undefined);
    assert.equal(updates.record.last?.outcome, "failed");
    updates.assign(undefined);
    assert.equal(updates.record.canaryGroup, undefined);
    await store.close();
  }));

Deno.test("an update that was staged more than an hour ago is removed at the start, and told", () =>
  inFolder(async (dataDir) => {
    const clock = new FakeClock();
    const first = await openStore(dataDir, undefined, clock);
    first.store.updates.stage(artifact("1.1.0"));
    await first.store.close();

    clock.jump(3_600_000);
    const second = await openStore(dataDir, undefined, clock);
    assert.equal(second.store.updates.record.pending?.since, AT);
    assert.deepEqual(second.recovered, []);
    await second.store.close();

    clock.jump(1);
    const third = await openStore(dataDir, undefined, clock);
    const { pending, last } = third.store.updates.record;
    assert.equal(pending, undefined);
    assert.equal(last?.outcome, "expired");
    assert.deepEqual(third.recovered, [{
      file: "updates/updates.json",
      what: `an update to 1.1.0 that was staged ${AT}`,
      action: "removed",
    }]);
    await third.store.close();
  }));

Deno.test("store verify names an update that nobody went on with, and changes nothing", () =>
  inFolder(async (dataDir) => {
    const clock = new FakeClock();
    const { store } = await openStore(dataDir, undefined, clock);
    store.updates.stage(artifact("1.1.0"));
    await store.close();
    clock.jump(3_600_001);
    const survey = await surveyMembership({
      dataDir,
      cluster: "default",
      seal: () => sealKeyFrom(new Uint8Array(32).fill(7), "file"),
      clock,
      random: new FakeRandom(),
    });
    assert.deepEqual(survey?.findings, [{
      file: "updates/updates.json",
      what: `an update to 1.1.0 that was staged ${AT}`,
      repair: "removed",
    }]);
    assert.equal(store.updates.record.pending?.since, AT);
  }));

Deno.test("damaged updates are set aside by name, and what was staged in them is gone", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    first.store.updates.stage(artifact("1.1.0"));
    await first.store.close();
    const file = `${first.store.paths.root}/updates/updates.json`;
    Deno.writeTextFileSync(
      file,
      Deno.readTextFileSync(file).replace(SUM, "00".repeat(32)),
    );
    const second = await openStore(dataDir);
    assert.deepEqual(second.store.updates.record, {});
    assert.deepEqual(second.recovered.map((one) => one.file), [
      "updates/updates.json",
    ]);
    await second.store.close();
  }));

Deno.test("UpdateStore takes nothing that was not verified, nor what it gives back", () =>
  inFolder(async (dataDir) => {
    const { store: { updates, close } } = await openStore(dataDir);
    const { version, name, sums, signature } = artifact("1.1.0");
    const unsigned = { version, name, sums, signature, sha256: SUM, keyId: "" };
    // Never called: the types are what is tried.
    const attempts = [
      // @ts-expect-error -- No key has signed it.
      () => updates.stage(unsigned),
      // @ts-expect-error -- No key has signed it.
      () => updates.activate(unsigned),
      // @ts-expect-error -- What lies on disk is to be verified anew.
      () => updates.activate(updates.record.pending!.artifact),
    ];
    assert.equal(attempts.length, 3);
    assert.deepEqual(updates.record, {});
    await close();
  }));

Deno.test("a crash at any step of a change leaves the updates of before or after", () =>
  inFolder(async (dataDir) => {
    let steps = 0;
    for (let at = 1;; at++) {
      const first = await openStore(dataDir);
      first.store.updates.running("1.0.0");
      await first.store.close();
      const disk: Disk & CrashDisk = new CrashDisk();
      const second = await openStore(dataDir, disk);
      disk.plan({ at, then: "end" });
      let done = false;
      try {
        second.store.updates.running("2.0.0");
        done = true;
      } catch (error) {
        assert.ok(error instanceof StoreWriteError);
      }
      await second.store.close().catch(() => {});
      const third = await openStore(dataDir);
      const { current } = third.store.updates.record;
      assert.match(current?.version ?? "", done ? /^2/ : /^[12]/);
      assert.deepEqual(third.recovered, []);
      await third.store.close();
      if (!disk.reached) break;
      steps = at;
    }
    assert.ok(steps >= 4, `only ${steps} steps were tried`);
  }));

Deno.test("what another file left half written does not stand in the way", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    Deno.writeTextFileSync(`${store.paths.root}/updates/updates.json.new`, "{");
    store.updates.running("1.0.0");
    assert.equal(store.updates.record.current?.version, "1.0.0");
    await store.close();
  }));

Deno.test("openUpdates() knows no updates where there is no membership", () =>
  inFolder((dataDir) => {
    const options = {
      dataDir,
      cluster: "default",
      clock: new FakeClock(),
      log: new MemoryLog(),
    };
    assert.equal(openUpdates(options), undefined);
    assert.deepEqual([...Deno.readDirSync(dataDir)], []);
  }));

Deno.test({
  name: "what the administrator notes belongs to the user of the agent",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (dataDir) => {
      const clock = new FakeClock();
      const { store } = await openStore(dataDir, undefined, clock);
      await store.close();
      const folder = `${store.paths.root}/updates`;
      Deno.chownSync(folder, 65_534, 65_534);
      const log = new MemoryLog();
      openUpdates({ dataDir, cluster: "default", clock, log })
        ?.running("1.0.0");
      for (const name of ["lock", "updates.json"]) {
        const { uid, gid, mode } = Deno.lstatSync(`${folder}/${name}`);
        assert.deepEqual(
          [name, uid, gid, mode! & 0o777],
          [name, 65_534, 65_534, 0o600],
        );
      }
    }),
});
