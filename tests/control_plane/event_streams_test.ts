import assert from "node:assert/strict";
import { LocalFanOut } from "../../src/control_plane/event_fan_out.ts";
import { EventSigner } from "../../src/control_plane/event_signer.ts";
import { EventStreams } from "../../src/control_plane/event_streams.ts";
import { ProblemError } from "../../src/control_plane/http/problem.ts";
import { openSqliteStorage } from "../../src/control_plane/sqlite_storage.ts";
import type { Node, Rows } from "../../src/control_plane/storage/storage.ts";
import { streamAnswer } from "../../src/control_plane/stream_answer.ts";
import { Vault } from "../../src/control_plane/vault.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const NODE = { id: "n", domainId: "d", dialect: 1 } as const;

/** Streams on a real database without events. */
class Stage implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly #folder = Deno.makeTempDirSync({ prefix: "plexd-streams-" });
  readonly #storage = openSqliteStorage(`${this.#folder}/db`);
  streams!: EventStreams;

  async open(): Promise<this> {
    const storage = this.#storage;
    const io = {
      clock: this.clock,
      random: systemRandom,
      log: new MemoryLog(),
    };
    const vault = await Vault.open(`${this.#folder}/key`, true, io.random);
    const signer = new EventSigner({ storage, vault, io });
    const fanOut = new LocalFanOut();
    this.streams = new EventStreams({ storage, signer, fanOut, io });
    return this;
  }

  async [Symbol.asyncDispose]() {
    await settle();
    this.#storage.close();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/**
 * A connection whose loss shows only when something is sent: the runtime has
 * ended the stream then without having cancelled it. Seen with Deno 2.7.
 */
function lostConnection(): Disposable {
  const { prototype } = ReadableStreamDefaultController;
  const { enqueue, close } = prototype;
  const fail = () => {
    throw new TypeError("The stream is not in a state that permits it");
  };
  prototype.enqueue = fail;
  prototype.close = fail;
  return {
    [Symbol.dispose]: () => Object.assign(prototype, { enqueue, close }),
  };
}

Deno.test("a client that has just left keeps no stop from ending the other streams", async () => {
  await using on = await new Stage().open();
  on.streams.open(NODE, { from: 0 });
  on.streams.open({ ...NODE, id: "other" }, { from: 0 });
  {
    using _lost = lostConnection();
    on.streams.closeAll();
  }
  assert.equal(on.streams.count, 0);
  assert.deepEqual([...on.streams.ended], [["stopping", 2]]);
});

Deno.test("a keep-alive that nobody is there to take ends its stream alone", async () => {
  await using on = await new Stage().open();
  const reader = on.streams.open(NODE, { from: 0 }).getReader();
  await reader.read();
  void reader.read().catch(() => {});
  await settle();
  {
    using _lost = lostConnection();
    await on.clock.advance(25_000);
  }
  assert.deepEqual([...on.streams.ended], [["client_left", 1]]);
  assert.equal(on.streams.isOpen(NODE.id), false);
  assert.deepEqual(on.clock.sleeping, [], "nothing beats for it");
});

for (
  const [what, now] of [
    ["deleted", undefined],
    ["revoked", { ...NODE, revokedAtMs: 1 }],
  ] as const
) {
  Deno.test(`a node that is ${what} on the way to its stream gets none`, async () => {
    await using on = await new Stage().open();
    const { streams } = on;
    const nodes = {
      byId(id: string) {
        assert.ok(streams.isOpen(id), "what ends it could not find it yet");
        return now;
      },
    };
    const storage = {
      read: <T>(work: (rows: Rows) => Promise<T>) =>
        work({ nodes } as unknown as Rows),
      write: () => Promise.reject(new Error("nothing to write")),
      close() {},
    };
    await assert.rejects(
      streamAnswer({ storage, streams }, NODE as Node, { from: 0 }),
      (error) =>
        error instanceof ProblemError && error.code === "node_not_found",
    );
    assert.deepEqual([...streams.ended], [["node_gone", 1]]);
    assert.equal(streams.count, 0);
  });
}
