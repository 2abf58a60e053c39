import assert from "node:assert/strict";
import {
  Rejoin,
  type RejoinOptions,
  runUntilRejoined,
} from "../../src/agent/rejoin.ts";
import type { Identity } from "../../src/store/identity.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { RegistrationError } from "../../src/sync/registration_answer.ts";
import { type FoundToken, TokenError } from "../../src/sync/token_sources.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { failureFrom } from "../uplink/serve.ts";

const IDENTITY: Identity = {
  nodeId: "n_2",
  meshIp: "10.100.0.2",
  dialect: 1,
  controlPlane: "https://cp.example",
  enrolledAt: "2026-03-01T12:00:00Z",
  publicKey: "",
  signingPublicKey: "",
  privateKey: new Uint8Array(32),
  nodeSecretKey: "secret",
};

/** A node that works, and may be told that nobody knows it any more. */
class Node {
  readonly clock = new FakeClock();
  readonly stop = new AbortController();
  /** What lies in the sources of tokens. */
  tokens: FoundToken[] = [];
  looks = 0;
  readonly joins: string[] = [];
  join: RejoinOptions["join"] = async (_found, leave) => {
    await leave();
    return IDENTITY;
  };
  changes = 0;
  works = false;
  /** Deno 2.7 forgets a combined signal that only its listeners know. */
  until: AbortSignal | undefined;
  /** Settles the work's end, once that is asked for. */
  lastWords: () => Promise<void> = () => Promise.resolve();
  readonly rejoin = new Rejoin({
    findToken: (isSpent) => {
      this.looks++;
      const found = this.tokens.find(({ token }) => !isSpent(token));
      if (found) return Promise.resolve(found);
      return Promise.reject(new TokenError("none", "There is no token"));
    },
    join: (found, leave, signal) => {
      this.joins.push(found.token);
      return this.join(found, leave, signal);
    },
    intervalMs: 600_000,
    what: "Joining anew",
    onChange: () => this.changes++,
    io: {
      clock: this.clock,
      random: new FakeRandom(),
      log: new MemoryLog(),
    },
  });

  run(): Promise<boolean> {
    return runUntilRejoined(
      async (stop) => {
        this.until = stop;
        this.works = true;
        await new Promise<void>((resolve) => {
          if (stop.aborted) return resolve();
          stop.addEventListener("abort", () => resolve());
        });
        await this.lastWords();
        this.works = false;
      },
      this.rejoin,
      this.stop.signal,
    );
  }

  /** Stops it and checks that it leaves nothing behind. */
  async end(running: Promise<boolean>): Promise<void> {
    this.stop.abort(new Error("stopped"));
    assert.equal(await running, false);
    assert.equal(this.works, false);
    assert.deepEqual(this.clock.sleeping, []);
  }
}

Deno.test("a node that is known looks for no token", async () => {
  const node = new Node();
  node.tokens = [{ token: "fresh" }];
  const running = node.run();
  node.rejoin.want(false);
  await node.clock.advance(3_600_000);
  assert.equal(node.looks, 0);
  assert.equal(node.rejoin.nextTryMs, undefined);
  await node.end(running);
});

Deno.test("a node that is not known any more joins anew at once, with a fresh token", async () => {
  const node = new Node();
  node.tokens = [{ token: "fresh" }];
  const running = node.run();
  node.rejoin.want(true);
  assert.equal(await running, true);
  assert.deepEqual(node.joins, ["fresh"]);
  assert.equal(node.works, false);
  assert.deepEqual(node.clock.sleeping, []);
});

Deno.test("nothing works under the former identity when the new one is stored", async () => {
  const node = new Node();
  node.tokens = [{ token: "fresh" }];
  const { promise, resolve } = Promise.withResolvers<void>();
  node.lastWords = () => promise;
  let stored = false;
  node.join = async (_found, leave) => {
    await leave();
    assert.equal(node.works, false);
    stored = true;
    return IDENTITY;
  };
  const running = node.run();
  node.rejoin.want(true);
  await settle();
  assert.equal(stored, false);
  resolve();
  assert.equal(await running, true);
  assert.ok(stored);
});

Deno.test("without a token a node goes on, looks every 10 minutes and says so", async () => {
  const node = new Node();
  const running = node.run();
  node.rejoin.want(true);
  await settle();
  assert.equal(node.looks, 1);
  assert.ok(node.works);
  assert.match(node.rejoin.outcome ?? "", /no fresh bootstrap token/);
  assert.equal(node.rejoin.nextTryMs, node.clock.elapsed() + 600_000);
  assert.equal(node.changes, 1);
  await node.clock.advance(599_999);
  assert.equal(node.looks, 1);
  node.tokens = [{ token: "fresh" }];
  await node.clock.advance(1);
  assert.equal(await running, true);
});

Deno.test("a node that is known again stops looking, and looks no sooner when it is not", async () => {
  const node = new Node();
  const running = node.run();
  node.rejoin.want(true);
  await settle();
  node.rejoin.want(false);
  assert.equal(node.rejoin.nextTryMs, undefined);
  assert.equal(node.rejoin.outcome, undefined);
  await node.clock.advance(300_000);
  for (let count = 0; count < 100; count++) {
    node.rejoin.want(count % 2 === 0);
    await settle(2);
  }
  node.rejoin.want(true);
  await node.clock.advance(299_999);
  assert.equal(node.looks, 1);
  await node.clock.advance(1);
  assert.equal(node.looks, 2);
  await node.end(running);
});

Deno.test("a token that was refused is not offered again, another one is", async () => {
  const node = new Node();
  node.tokens = [{ token: "consumed" }];
  node.join = () =>
    Promise.reject(new RegistrationError("refused", "it has been used"));
  const running = node.run();
  node.rejoin.want(true);
  await node.clock.advance(3_600_000);
  assert.deepEqual(node.joins, ["consumed"]);
  assert.ok(node.works);
  node.tokens.push({ token: "fresh" });
  await node.clock.advance(600_000);
  assert.deepEqual(node.joins, ["consumed", "fresh"]);
  await node.end(running);
});

Deno.test("a token is kept while the control plane cannot be asked, though its source is empty", async () => {
  const node = new Node();
  node.tokens = [{ token: "from the environment" }];
  node.join = () => {
    node.tokens = [];
    return Promise.reject(new RegistrationError("unreachable", "no answer"));
  };
  const running = node.run();
  node.rejoin.want(true);
  await settle();
  assert.match(node.rejoin.outcome ?? "", /no answer/);
  await node.clock.advance(600_000);
  assert.deepEqual(node.joins, Array(2).fill("from the environment"));
  await node.end(running);
});

Deno.test("a node whose new identity cannot be stored starts again, and tries no sooner", async () => {
  const node = new Node();
  node.tokens = [{ token: "fresh" }];
  node.join = async (_found, leave) => {
    await leave();
    throw new StoreWriteError("the identity", new Error("disk full"));
  };
  const first = node.run();
  node.rejoin.want(true);
  assert.equal(await first, true);
  const second = node.run();
  await settle();
  assert.ok(node.works);
  await node.clock.advance(599_999);
  assert.deepEqual(node.joins, ["fresh"]);
  await node.clock.advance(1);
  assert.deepEqual(node.joins, ["fresh", "fresh"]);
  assert.equal(await second, true);
});

Deno.test("a control plane that takes every token and knows no node is asked every 10 minutes", async () => {
  const node = new Node();
  node.tokens = [{ token: "a" }];
  for (let joins = 0; joins < 3; joins++) {
    const running = node.run();
    node.rejoin.want(true);
    if (joins > 0) {
      await node.clock.advance(599_999);
      assert.equal(node.joins.length, joins);
      await node.clock.advance(1);
    }
    assert.equal(await running, true);
  }
  assert.equal(node.joins.length, 3);
});

Deno.test("the failure of the work is thrown, and ends the look for a token", async () => {
  const node = new Node();
  const failure = new Error("a part ended early");
  node.lastWords = () => Promise.reject(failure);
  const running = runUntilRejoined(
    () => node.lastWords(),
    node.rejoin,
    node.stop.signal,
  );
  assert.equal(await failureFrom(running), failure);
  assert.deepEqual(node.clock.sleeping, []);
});

Deno.test("a node that a person wants elsewhere joins anew at once, known or not", async () => {
  const node = new Node();
  const running = node.run();
  await settle();
  const joined = node.rejoin.joinNow("given", node.stop.signal);
  assert.equal(await running, true);
  assert.equal(await joined, IDENTITY);
  assert.deepEqual(node.joins, ["given"]);
  assert.equal(node.looks, 0);
});

Deno.test("joining that a person asked for fails without an end of the present work", async () => {
  const node = new Node();
  const running = node.run();
  const refusal = new RegistrationError("refused", "No");
  node.join = () => Promise.reject(refusal);
  const failure = failureFrom(node.rejoin.joinNow("given", node.stop.signal));
  assert.equal(await failure, refusal);
  assert.ok(node.works);
  await node.clock.advance(3_600_000);
  assert.deepEqual(node.joins, ["given"]);
  await node.end(running);
});

Deno.test("joining that a person asked for ends with the agent", async () => {
  const node = new Node();
  node.join = (_found, _leave, signal) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  const running = node.run();
  await settle();
  const failure = failureFrom(node.rejoin.joinNow("given", node.stop.signal));
  await settle();
  await node.end(running);
  assert.match(String(await failure), /stopped/);
});

Deno.test("joining that a person asked for is told of though the agent begins anew meanwhile", async () => {
  const node = new Node();
  const stored = Promise.withResolvers<void>();
  node.join = async (_found, leave) => {
    await leave();
    await stored.promise;
    return IDENTITY;
  };
  const running = node.run();
  await settle();
  const joined = node.rejoin.joinNow("given", node.stop.signal);
  await settle();
  assert.equal(node.works, false);
  node.stop.abort(new Error("read anew"));
  await settle();
  stored.resolve();
  assert.equal(await joined, IDENTITY);
  assert.equal(await running, true);
});
