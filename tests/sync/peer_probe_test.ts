import assert from "node:assert/strict";
import type { PeerObservation } from "../../src/store/peer_cache.ts";
import type { ProbeResult } from "../../src/sync/observe_peer.ts";
import {
  addressOf,
  PeerProbe,
  type PeerProbeOptions,
} from "../../src/sync/peer_probe.ts";
import type { Address } from "../../src/sync/tcp_answer.ts";
import type { Peer } from "../../src/wire/state.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

function peer(id: string, endpoint: string): Peer {
  return { id, publicKey: "k", meshIp: "10.42.0.2", endpoint, allowedIps: [] };
}

/** A probe of some peers, asked for by hand. */
class Probing {
  readonly clock = new FakeClock();
  readonly asked: Address[] = [];
  readonly observations = new Map<string, PeerObservation>();
  readonly answers: PromiseWithResolvers<ProbeResult>[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(
    peers: readonly Peer[],
    more: Partial<PeerProbeOptions> = {},
    middle?: number,
  ) {
    const part = new PeerProbe({
      directory: () => ({ peers, position: { epoch: 1, version: 7 } }),
      observations: {
        get: (id) => this.observations.get(id),
        note: (one) => this.observations.set(one.peerId, one),
      },
      ask: (address) => {
        this.asked.push(address);
        const answer = Promise.withResolvers<ProbeResult>();
        this.answers.push(answer);
        return answer.promise;
      },
      io: {
        clock: this.clock,
        random: new FakeRandom(middle),
        log: new MemoryLog(),
      },
      ...more,
    });
    this.#done = part.run(this.#stop.signal);
  }

  async answerAll(result: ProbeResult): Promise<void> {
    for (const { resolve } of this.answers.splice(0)) resolve(result);
    await this.clock.advance(0);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const { resolve } of this.answers.splice(0)) {
      resolve({ answered: false, reason: "error" });
    }
    await this.#done;
    assert.deepEqual(this.clock.sleeping, []);
  }
}

Deno.test("PeerProbe tries each peer once in an interval and notes what it finds", async () => {
  const probe = new Probing([peer("b", "192.0.2.2:51820")]);
  await probe.clock.advance(59_999);
  assert.deepEqual(probe.asked, []);
  assert.equal(probe.observations.size, 0);
  await probe.clock.advance(1);
  assert.deepEqual(probe.asked, [{ host: "192.0.2.2", port: 51_820 }]);
  await probe.answerAll({ answered: true, latencyMs: 3 });
  const seen = probe.observations.get("b");
  assert.equal(seen?.latencyMs, 3);
  assert.deepEqual(seen?.configVersion, { epoch: 1, version: 7 });
  await probe.clock.advance(60_000);
  await probe.answerAll({ answered: false, reason: "timeout" });
  assert.equal(probe.observations.get("b")?.tries, "10");
  await probe.stop();
});

Deno.test("PeerProbe does not try all peers of a large directory at a time", async () => {
  const many = Array.from(
    { length: 30 },
    (_, at) => peer(`p${at}`, `192.0.2.${at + 1}:1`),
  );
  let rounds = 0;
  const probe = new Probing(many, { onRound: () => rounds++ });
  await probe.clock.advance(60_000);
  assert.equal(probe.asked.length, 8);
  for (const total of [16, 24, 30]) {
    await probe.answerAll({ answered: true, latencyMs: 1 });
    assert.equal(probe.asked.length, total);
  }
  await probe.answerAll({ answered: true, latencyMs: 1 });
  assert.equal(probe.observations.size, 30);
  assert.equal(rounds, 1);
  await probe.stop();
});

for (const [middle, ms] of [[0, 45_000], [0.99, 74_700]] as const) {
  Deno.test(`PeerProbe waits ${ms} ms where chance says ${middle}`, async () => {
    const probe = new Probing([peer("b", "192.0.2.2:1")], {}, middle);
    await probe.clock.advance(ms - 1);
    assert.equal(probe.asked.length, 0);
    await probe.clock.advance(1);
    assert.equal(probe.asked.length, 1);
    await probe.stop();
  });
}

Deno.test("a try that a stop cuts short says nothing about the peer", async () => {
  const probe = new Probing([peer("b", "192.0.2.2:1")]);
  await probe.clock.advance(60_000);
  assert.equal(probe.asked.length, 1);
  await probe.stop();
  assert.equal(probe.observations.size, 0);
});

Deno.test("PeerProbe refuses an interval below a second", () => {
  assert.throws(() => new Probing([], { intervalMs: 999 }), RangeError);
});

const ADDRESSES: readonly (readonly [string, string, number, string?])[] = [
  ["192.0.2.2:51820", "10.42.0.2", 0, "192.0.2.2 51820"],
  ["[2001:db8::1]:51820", "10.42.0.2", 0, "2001:db8::1 51820"],
  ["", "10.42.0.2", 0],
  ["node.example:51820", "10.42.0.2", 0],
  ["192.0.2.2:51820", "10.42.0.2", 9100, "10.42.0.2 9100"],
  ["", "fd00::2", 9100, "fd00::2 9100"],
  ["", "", 9100],
  ["169.254.169.254:80", "", 0],
  ["0.0.0.0:80", "", 0],
  ["224.0.0.1:80", "", 0],
  ["255.255.255.255:80", "", 0],
  ["[fe80::1]:80", "", 0],
  ["[ff02::1]:80", "", 0],
  ["[::]:80", "", 0],
  ["[::ffff:169.254.169.254]:80", "", 0],
  ["[::ffff:a9fe:a9fe]:80", "", 0],
];
for (const [endpoint, meshIp, port, expected] of ADDRESSES) {
  Deno.test(`a peer at "${endpoint}" and "${meshIp}" is asked on port ${port} at ${expected ?? "no address"}`, () => {
    const address = addressOf({ endpoint, meshIp }, port);
    assert.equal(address && `${address.host} ${address.port}`, expected);
  });
}
