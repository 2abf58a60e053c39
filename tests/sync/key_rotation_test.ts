import assert from "node:assert/strict";
import { type Disk, systemDisk } from "../../src/store/disk.ts";
import type { Identity } from "../../src/store/identity.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import type { Membership } from "../../src/store/membership.ts";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import { KeyRotation } from "../../src/sync/key_rotation.ts";
import { rotateKeysHandler } from "../../src/sync/rotate_keys_handler.ts";
import { createNodeKeyPair } from "../../src/trust/node_keys.ts";
import {
  ControlError,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import type { Peer } from "../../src/wire/state.ts";
import { settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { verifiedEvent } from "./events.ts";

const old = await createNodeKeyPair();
const identity: Identity = {
  ...old,
  nodeId: "node-1",
  meshIp: "10.0.0.1",
  dialect: 1,
  controlPlane: "https://control.example",
  enrolledAt: "2026-03-01T12:00:00Z",
  nodeSecretKey: "secret",
  signingPublicKey: "signing",
};
const peer: Peer = {
  id: "n2",
  publicKey: "k",
  meshIp: "10.0.0.2",
  endpoint: "",
  allowedIps: [],
};

/** What the control plane does with the next announcements; then it agrees. */
type Answer = ControlError | "lost" | "hangs" | readonly Peer[];

async function running(
  dir: string,
  answers: Answer[] = [],
  disk: Disk = systemDisk,
  /** Called right before the rotation runs. */
  starts = () => {},
) {
  const opened = await openStore(dir, disk);
  const { store, clock, log } = opened;
  if (!await store.identity.load()) await store.identity.save(identity);
  /** The key that the control plane has. */
  const announced: string[] = [];
  const peers: Peer[] = [];
  let isHanging = false;
  const rotation = new KeyRotation({
    store: store.keyRotation,
    uplink: {
      rotateKeys(publicKey, signal) {
        announced.push(publicKey);
        const answer = answers.shift() ?? [];
        if (answer === "hangs") {
          isHanging = true;
          return new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason))
          );
        }
        if (answer === "lost") {
          return Promise.reject(new ControlError("timeout", "no answer"));
        }
        return answer instanceof ControlError
          ? Promise.reject(answer)
          : Promise.resolve(answer);
      },
    },
    onPeers: (changed) => Promise.resolve(peers.push(...changed)),
    io: { clock, log, random: new FakeRandom() },
  });
  const stop = new AbortController();
  starts();
  const done = rotation.run(stop.signal);
  /** Until the rotation waits for something that only a test can bring. */
  const rests = async () => {
    do await settle(); while (
      rotation.status.pending && !isHanging && clock.sleeping.length === 0
    );
    await settle();
  };
  return {
    ...opened,
    rotation,
    announced,
    peers,
    rests,
    async passes(ms: number) {
      await clock.advance(ms);
      await rests();
    },
    async stop() {
      stop.abort();
      await done;
      assert.deepEqual(clock.sleeping, []);
      await store.close();
    },
  };
}

async function publicKeyOf(store: Membership) {
  const loaded = await store.identity.load();
  return loaded?.publicKey;
}

function refusal(kind: ControlFailure, status: number, code?: string) {
  return new ControlError(kind, `Status ${status}`, {
    status,
    ...(code === undefined ? {} : { code }),
  });
}

Deno.test("a request announces a new key, and puts it in place once it is confirmed", () =>
  inFolder(async (dir) => {
    const it = await running(dir, [[peer]]);
    assert.equal(await it.rotation.request("test"), true);
    await it.rests();
    assert.equal(it.announced.length, 1);
    assert.notEqual(it.announced[0], identity.publicKey);
    assert.equal(await publicKeyOf(it.store), it.announced[0]);
    assert.deepEqual(it.peers, [peer]);
    assert.equal(it.rotation.status.pending, undefined);
    assert.equal(it.rotation.status.lastAt, "2026-03-01T12:00:00.000Z");
    await it.stop();
  }));

Deno.test("requests that come together share one rotation", () =>
  inFolder(async (dir) => {
    const it = await running(dir, ["hangs"]);
    const begun = await Promise.all([
      it.rotation.request("event"),
      it.rotation.request("event"),
    ]);
    it.rotation.onHint();
    await it.rests();
    assert.deepEqual(begun, [true, false]);
    assert.equal(it.announced.length, 1);
    assert.equal(await publicKeyOf(it.store), identity.publicKey);
    await it.stop();
  }));

Deno.test("after a lost answer the same key is announced again, also after a restart", () =>
  inFolder(async (dir) => {
    const first = await running(dir, ["lost", "hangs"]);
    await first.rotation.request("test");
    await first.rests();
    assert.match(first.rotation.status.lastError ?? "", /no answer/);
    await first.passes(1_000);
    assert.equal(first.announced.length, 2);
    await first.stop();
    const second = await running(dir);
    await second.rests();
    assert.equal(
      new Set([...first.announced, ...second.announced]).size,
      1,
    );
    assert.equal(await publicKeyOf(second.store), second.announced[0]);
    await second.stop();
  }));

const UNCHANGED = refusal(
  "unexpected_status",
  422,
  "keys_rotate_public_key_unchanged",
);
const NONE_PENDING = refusal(
  "conflict",
  409,
  "keys_rotate_no_pending_rotation",
);

const verdicts: {
  readonly name: string;
  readonly answers: readonly Answer[];
  readonly rotated: boolean;
}[] = [
  { name: "key is unchanged", answers: [UNCHANGED], rotated: true },
  {
    name: "rotation is not asked for",
    answers: [NONE_PENDING],
    rotated: false,
  },
  {
    name: "rotation is not asked for, after a lost answer",
    answers: ["lost", NONE_PENDING],
    rotated: true,
  },
  {
    name: "rotation is not asked for, after there was nobody to take keys",
    answers: [
      refusal("server", 501, "keys_rotate_not_provisioned"),
      NONE_PENDING,
    ],
    rotated: false,
  },
  {
    name: "key is invalid",
    answers: [
      refusal("unexpected_status", 422, "keys_rotate_public_key_invalid"),
    ],
    rotated: false,
  },
  {
    name: "call is not known in this dialect",
    answers: [new ControlError("unsupported", "no such call")],
    rotated: false,
  },
];
for (const { name, answers, rotated } of verdicts) {
  Deno.test(`when the control plane says that the ${name}, the ${rotated ? "new" : "present"} key stays`, () =>
    inFolder(async (dir) => {
      const it = await running(dir, [...answers]);
      await it.rotation.request("test");
      await it.rests();
      await it.passes(2_000);
      const expected = rotated ? it.announced[0] : identity.publicKey;
      assert.equal(await publicKeyOf(it.store), expected);
      assert.equal(it.rotation.status.pending, undefined);
      assert.equal(it.rotation.status.lastError === undefined, rotated);
      assert.equal(it.announced.length, answers.length);
      await it.stop();
    }));
}

for (const answers of [[], [NONE_PENDING]] satisfies Answer[][]) {
  const isTaken = answers.length === 0;
  Deno.test(`a key that was lost with its record is replaced by a new one, ${isTaken ? "" : "not "}taken unasked`, () =>
    inFolder(async (dir) => {
      const first = await running(dir, ["hangs"]);
      await first.rotation.request("test");
      await first.rests();
      await first.stop();
      const file = `${first.store.paths.identity}/rotation.json`;
      Deno.truncateSync(file, 100);
      const second = await running(dir, [...answers]);
      while (second.announced.length === 0) await settle();
      await second.rests();
      const [key] = second.announced;
      assert.notEqual(key, first.announced[0]);
      const expected = isTaken ? key : identity.publicKey;
      assert.equal(await publicKeyOf(second.store), expected);
      await second.stop();
      const third = await running(dir);
      await third.rests();
      assert.deepEqual(third.announced, []);
      assert.equal(await publicKeyOf(third.store), expected);
      await third.stop();
    }));
}

Deno.test("a refusal is tried again after ten minutes, a busy server as it asks", () =>
  inFolder(async (dir) => {
    const busy = new ControlError("rate_limited", "Status 429", {
      status: 429,
      retryAfterMs: 7_000,
    });
    const it = await running(dir, [refusal("not_found", 404), busy]);
    await it.rotation.request("test");
    await it.rests();
    await it.passes(599_999);
    assert.equal(it.announced.length, 1);
    await it.passes(1);
    assert.equal(it.announced.length, 2);
    await it.passes(7_999);
    assert.equal(it.announced.length, 2);
    await it.passes(1);
    assert.equal(await publicKeyOf(it.store), it.announced[0]);
    await it.stop();
  }));

Deno.test("a hint that stays up rotates once in five minutes", () =>
  inFolder(async (dir) => {
    const it = await running(dir);
    for (let beat = 0; beat < 20; beat++) {
      it.rotation.onHint();
      // Making a key takes as long as it takes.
      while (it.announced.length <= Math.floor(beat / 10)) await settle();
      await it.rests();
      await it.passes(30_000);
    }
    assert.equal(it.announced.length, 2);
    await it.stop();
  }));

Deno.test("a new identity in the meantime ends the rotation of the former key", () =>
  inFolder(async (dir) => {
    const it = await running(dir, ["lost"]);
    await it.rotation.request("test");
    await it.rests();
    await it.store.identity.save({ ...identity, nodeId: "node-2" });
    await it.passes(60_000);
    assert.equal(it.announced.length, 1);
    assert.equal(await publicKeyOf(it.store), identity.publicKey);
    await it.stop();
  }));

Deno.test("a disk that fails for a moment ends neither the rotation nor the agent", () =>
  inFolder(async (dir) => {
    const first = await running(dir, ["hangs"]);
    await first.rotation.request("test");
    await first.rests();
    await first.stop();
    let isFaulty = false;
    const disk: Disk = {
      ...systemDisk,
      read(path) {
        if (isFaulty && path.endsWith("/identity.json")) throw new Error("EIO");
        return systemDisk.read(path);
      },
    };
    const it = await running(dir, [], disk, () => {
      isFaulty = true;
    });
    await it.rests();
    assert.match(it.rotation.status.lastError ?? "", /EIO/);
    assert.deepEqual(it.announced, []);
    isFaulty = false;
    await it.passes(1_000);
    assert.deepEqual(it.announced, first.announced);
    assert.equal(await publicKeyOf(it.store), it.announced[0]);
    await it.stop();
  }));

Deno.test("a confirmed key that cannot be stored yet is not announced again", () =>
  inFolder(async (dir) => {
    let isFull = false;
    const disk: Disk = {
      ...systemDisk,
      rename(from, to) {
        if (isFull && to.endsWith("/rotation.json")) throw new Error("ENOSPC");
        systemDisk.rename(from, to);
      },
    };
    const it = await running(dir, [[], NONE_PENDING], disk);
    await it.rotation.request("test");
    isFull = true;
    await it.rests();
    assert.match(it.rotation.status.lastError ?? "", /ENOSPC/);
    isFull = false;
    await it.passes(2_000);
    assert.equal(it.announced.length, 1);
    assert.equal(await publicKeyOf(it.store), it.announced[0]);
    assert.equal(it.rotation.status.lastError, undefined);
    await it.stop();
  }));

Deno.test("neither a log line nor the status holds the private key", () =>
  inFolder(async (dir) => {
    const pair = await createNodeKeyPair();
    const it = await running(dir, ["lost"]);
    await it.store.keyRotation.prepare(pair);
    await it.rotation.request("test");
    await it.rests();
    await it.passes(5_000);
    const text = it.log.text + JSON.stringify(it.rotation.status);
    assert.ok(!text.includes(pair.privateKey.toBase64()));
    assert.ok(it.log.text.includes(pair.publicKey));
    await it.stop();
  }));

for (const payload of ["null", "{}", `{"node_id":"node-1","x":1}`]) {
  Deno.test(`rotate_keys with payload ${payload} begins a rotation`, async () => {
    const reasons: string[] = [];
    const handler = rotateKeysHandler({
      nodeId: "node-1",
      request: (reason) => Promise.resolve(reasons.push(reason)),
    });
    assert.equal(
      await handler.handle(verifiedEvent({ type: "rotate_keys", payload })),
      "applied",
    );
    assert.deepEqual(reasons, ["event rotate_keys"]);
  });
}

Deno.test("rotate_keys for another node is refused, and not taken when it cannot be stored", async () => {
  const handler = rotateKeysHandler({
    nodeId: "node-1",
    request: () => Promise.reject(new StoreWriteError("it", new Error("no"))),
  });
  await assert.rejects(
    handler.handle(verifiedEvent({ payload: `{"node_id":"node-2"}` })),
    RefusedEventError,
  );
  await assert.rejects(
    handler.handle(verifiedEvent({ payload: "{}" })),
    StoreWriteError,
  );
});
