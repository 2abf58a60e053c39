import assert from "node:assert/strict";
import { systemDisk } from "../../src/store/disk.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { publicKeyOf } from "../trust/signers.ts";
import { signedSnapshot } from "../trust/snapshots.ts";
import { VECTORS_NOW_MS } from "../vectors/load.ts";
import { bundleText, contentOf, SigningPlane } from "./signing_plane.ts";

const HOUR = 3_600_000;
const at = (ms: number) => new Date(VECTORS_NOW_MS + ms).toISOString();

/** A test with one store after the other in one folder, time going on. */
function story(
  name: string,
  tell: (
    start: (
      more?: Parameters<typeof SigningPlane.start>[2],
    ) => Promise<SigningPlane>,
    folder: string,
    clock: FakeClock,
  ) => Promise<void>,
) {
  Deno.test(name, () =>
    inFolder(async (dataDir) => {
      const clock = new FakeClock(VECTORS_NOW_MS);
      let close: (() => Promise<void>) | undefined;
      try {
        await tell(
          async (more) => {
            await close?.();
            const { store } = await openStore(dataDir, systemDisk, clock);
            close = () => store.close();
            return await SigningPlane.start(store, clock, more);
          },
          `${dataDir}/clusters/default`,
          clock,
        );
      } finally {
        await close?.();
      }
    }));
}

story("valid snapshot activates atomically", async (start) => {
  const node = await start();
  node.sends({ version: 3, content: contentOf("x") });
  await node.pull();
  assert.equal(node.served, "x");
  assert.deepEqual(node.store.state.view.position, { epoch: 1, version: 3 });
  assert.equal(node.store.snapshots.pointer?.active.version, 3);
  assert.equal(node.store.marks.load().snapshot?.version, 3);
  assert.deepEqual(node.reasons, []);
  await node.pull();
  assert.deepEqual(node.applied, [undefined, { epoch: 1, version: 3 }]);
});

const refusals = [
  ["rolled_back", { version: 2 }],
  ["rolled_back", { version: 1, epoch: 1 }],
  ["foreign", { version: 4, scope: "node:n_2" }],
  ["dialect", { version: 4, dialect: 2 }],
  ["hash", { version: 4, contentSha256: "AAAA" }],
  ["signature", { version: 4, signature: "AAAA" }],
  ["unknown_key_id", { version: 4, keyId: "somebody" }],
  ["expired", { version: 4, issuedAt: at(-2 * HOUR), expiresAt: at(-HOUR) }],
  ["future", { version: 4, issuedAt: at(HOUR), expiresAt: at(2 * HOUR) }],
  ["unknown_epoch", { epoch: 2, version: 1 }],
  ["equivocation", { content: contentOf("y") }],
] as const;
for (const [kind, fields] of refusals) {
  story(
    `a snapshot that is no good changes nothing, across restarts: ${kind}`,
    async (start, folder) => {
      let node = await start();
      node.sends({ version: 3, content: contentOf("x") });
      await node.pull();
      for (let run = 1; run <= 2; run++) {
        node.sends({ version: 3, content: contentOf("z"), ...fields });
        await assert.rejects(node.pull(), { kind });
        assert.match(
          node.reconciler.status.lastError ?? "",
          /^Snapshot refused/,
        );
        assert.equal(node.served, "x");
        assert.equal(node.store.snapshots.pointer?.active.version, 3);
        const names = [...Deno.readDirSync(`${folder}/snapshots`)]
          .map(({ name }) => name).sort();
        assert.deepEqual(names, ["1-3.sealed", "active.json"]);
        node = await start();
      }
      assert.equal(node.served, "x");
    },
  );
}

story(
  "an unsigned state is taken and shown, but not after a signed one",
  async (start) => {
    let node = await start();
    const plain = { kind: "plain" } as const;
    node.answer = { ...plain, state: parseStateDocument(contentOf("plain")) };
    await node.pull();
    assert.equal(node.served, "plain");
    assert.deepEqual(node.reasons, ["unsigned_state"]);
    node.sends({ content: contentOf("signed") });
    await node.pull();
    assert.deepEqual(node.reasons, []);
    node = await start();
    node.answer = { ...plain, state: parseStateDocument(contentOf("forged")) };
    await assert.rejects(node.pull(), /not signed, though one before was/);
    assert.equal(node.served, "signed");
  },
);

for (
  const [why, more, required] of [
    ["the configuration says so", { requireSigned: true }, false],
    ["the control plane said so", {}, true],
  ] as const
) {
  story(
    `unsigned states are refused from the start when ${why}`,
    async (start) => {
      const node = await start(more);
      const { marks } = node.store;
      marks.save({ ...marks.load(), signedRequired: required });
      const state = parseStateDocument(contentOf("plain"));
      node.answer = { kind: "plain", state };
      await assert.rejects(node.pull(), /not signed/);
      assert.equal(node.served, undefined);
    },
  );
}

story(
  "interrupted activation recovers to previous valid snapshot",
  async (start, folder) => {
    let node = await start();
    for (const version of [1, 2]) {
      node.sends({ version, content: contentOf(`v${version}`) });
      await node.pull();
    }
    Deno.truncateSync(`${folder}/snapshots/1-2.sealed`, 40);
    await node.store.snapshots.stage("half of what came");
    node = await start();
    const { pointer } = node.store.snapshots;
    assert.equal(pointer?.active.version, 1, "the one before");
    assert.equal(node.served, "v2", "what was applied of it stays");
    node.sends({ version: 1, content: contentOf("v1") });
    await assert.rejects(node.pull(), { kind: "rolled_back" });
    node.sends({ version: 2, content: contentOf("v2") });
    await node.pull();
    assert.equal(node.store.snapshots.pointer?.active.version, 2);
  },
);

story(
  "state that is behind the active snapshot is built from it before it is served",
  async (start) => {
    let node = await start();
    node.sends({ version: 5, content: contentOf("x") });
    await node.pull();
    await node.store.state.update(() => ({
      metadata: new Map([["a", "old"]]),
      position: { epoch: 1, version: 4 },
      complete: false,
    }));
    node = await start();
    assert.equal(node.served, "x");
    assert.equal(node.store.state.view.complete, true);
    // What events brought since is newer than the snapshot.
    await node.store.state.update(() => ({
      metadata: new Map([["a", "event"]]),
      position: { epoch: 1, version: 6 },
    }));
    node = await start();
    assert.equal(node.served, "event");
  },
);

story(
  "a new epoch waits for the operator, and the offer is remembered",
  async (start) => {
    let node = await start();
    node.sends({ version: 7 });
    await node.pull();
    node.sends({ epoch: 4, version: 1, content: contentOf("restored") });
    await assert.rejects(node.pull(), { kind: "unknown_epoch" });
    node = await start();
    const marks = node.store.marks.load();
    assert.equal(marks.offeredEpoch, 4);
    node.store.marks.save({ ...marks, acceptedEpoch: 4 });
    node.sends({ epoch: 4, version: 1, content: contentOf("restored") });
    await node.pull();
    assert.equal(node.served, "restored");
    const open = await start({ acceptNewEpoch: true });
    open.sends({ epoch: 9, version: 1, content: contentOf("again") });
    await open.pull();
    assert.equal(open.served, "again");
  },
);

story(
  "the same state issued anew is kept once it holds markedly longer",
  async (start, _folder, clock) => {
    const node = await start();
    node.sends({});
    await node.pull();
    const expiry = () => node.store.snapshots.pointer!.active.expiresAtMs;
    const first = expiry();
    for (
      const [minutes, kept] of [[1, false], [5, false], [30, true]] as const
    ) {
      await clock.advance(minutes * 60_000 - (clock.now() - VECTORS_NOW_MS));
      const nowMs = clock.now() - VECTORS_NOW_MS;
      node.sends({ issuedAt: at(nowMs), expiresAt: at(nowMs + HOUR) });
      await node.pull();
      assert.equal(expiry() > first, kept, `${minutes} minutes`);
    }
    // An older issue of it brings nothing back.
    const later = expiry();
    node.sends({});
    await node.pull();
    assert.equal(expiry(), later);
  },
);

story(
  "refresh is asked for in time, and expiry shows until the next snapshot",
  async (start, _folder, clock) => {
    let node = await start();
    node.sends({});
    await node.pull();
    assert.equal(node.lifetime.refreshDueMs, VECTORS_NOW_MS + HOUR * 2 / 3);
    const stop = new AbortController();
    let running = node.lifetime.run(stop.signal);
    await clock.advance(HOUR / 2);
    assert.deepEqual(node.pulls, []);
    await clock.advance(HOUR / 4);
    assert.equal(node.pulls.length, 1);
    assert.equal(node.lifetime.isExpired, false);
    await clock.advance(HOUR / 4);
    assert.deepEqual(node.reasons, ["snapshot_expired"]);
    assert.equal(node.lifetime.isExpired, true);
    stop.abort();
    await running;
    node = await start();
    assert.deepEqual(
      node.reasons,
      ["snapshot_expired"],
      "and across a restart",
    );
    assert.equal(node.served, undefined);
    const again = new AbortController();
    running = node.lifetime.run(again.signal);
    node.sends({ version: 2, issuedAt: at(HOUR), expiresAt: at(2 * HOUR) });
    await node.pull();
    await settle();
    assert.deepEqual(node.reasons, []);
    again.abort();
    await running;
  },
);

story(
  "keys in a signed state are taken from the current key alone",
  async (start) => {
    const node = await start();
    const withKeys = (current: string) =>
      contentOf("x").slice(0, -1) + `,"signing_keys":{"current":"${current}"}}`;
    node.sends({ version: 1, content: withKeys(publicKeyOf("B")) });
    await node.pull();
    assert.equal(node.keyring.state.current, publicKeyOf("B"));
    assert.equal(node.store.trust.load()?.current, publicKeyOf("B"));
    node.sends({ version: 2, content: withKeys(publicKeyOf("A")) }, "A");
    await assert.rejects(node.pull(), { kind: "unknown_key_id" });
    node.sends({ version: 2, content: withKeys(publicKeyOf("A")) }, "B");
    await node.pull();
    assert.equal(
      node.keyring.state.current,
      publicKeyOf("B"),
      "it was retired",
    );
    assert.deepEqual(node.reasons, ["key_change_unconfirmed"]);
  },
);

function pin(node: SigningPlane) {
  node.store.trustBundle.save({
    roots: [publicKeyOf("C")],
    revokedKeyIds: [],
    version: 0,
    signedText: "",
  });
}

story(
  "a node that missed a change of keys comes back by the trust bundle",
  async (start) => {
    pin(await start());
    const node = await start();
    node.sends({ version: 1, content: contentOf("x") });
    await node.pull();
    assert.equal(node.bundleFetches, 1, "once after the start");
    const signingKeys = [publicKeyOf("B"), publicKeyOf("A")];
    node.bundle = bundleText({ version: 2, signingKeys });
    node.sends({ version: 2, content: contentOf("y") }, "B");
    await node.pull();
    assert.equal(node.served, "y");
    assert.equal(node.bundles.version, 2);
    assert.equal(node.keyring.state.current, publicKeyOf("B"));
    assert.equal(node.keyring.state.previous, publicKeyOf("A"));
    node.sends({ version: 3, content: contentOf("z") }, "A");
    await node.pull();
    const { keyId } = signedSnapshot({}, "A");
    node.bundle = bundleText({
      version: 3,
      signingKeys: [publicKeyOf("B")],
      revokedKeyIds: [keyId],
    });
    node.sends({ version: 4, content: contentOf("stolen") }, "A");
    node.answer = { ...node.answer, bundleVersion: 3 } as typeof node.answer;
    await assert.rejects(node.pull(), { kind: "revoked_key" });
    const both = [publicKeyOf("B"), publicKeyOf("A")];
    await node.bundles.take(bundleText({ version: 4, signingKeys: both }));
    assert.ok(node.bundles.revokedKeyIds.has(keyId), "for good");
    assert.equal((await start()).bundles.version, 4);
  },
);

for (
  const [what, text] of [
    ["of another root", bundleText({ version: 2 }, "A")],
    ["of an earlier time", bundleText({ version: 1 })],
    ["that is none", "{}"],
  ] as const
) {
  story(
    `a trust bundle ${what} is not taken, and pulls go on`,
    async (start) => {
      pin(await start());
      const node = await start();
      node.bundle = bundleText({ version: 5 });
      node.sends({});
      await node.pull();
      node.bundle = text;
      node.answer = { ...node.answer, bundleVersion: 9 } as typeof node.answer;
      await node.pull();
      assert.equal(node.bundleFetches, 2);
      assert.equal(node.bundles.version, 5);
      assert.match(node.log.text, /No trust bundle was taken/);
    },
  );
}
