import assert from "node:assert/strict";
import {
  type AuditRow,
  followAudit,
} from "../../../src/cli/admin/follow_audit.ts";
import { AdminFailure } from "../../../src/cli/admin/session.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

function failing(passes: boolean): AdminFailure {
  return new AdminFailure(passes, 69, "the control plane does not answer");
}

function rowOf(id: number): AuditRow {
  return {
    ...{ id, at: "now", subject: "who", relation: "is" },
    ...{ object: "it", outcome: "done" },
  };
}

/** A follower of an audit log that can be out of reach, over a fake clock. */
class Following implements AsyncDisposable {
  readonly clock = new FakeClock();
  /** Ids of the rows there are, oldest first. */
  log: number[] = [];
  /** What the next looks fail with, or nothing. */
  failure: Error | undefined;
  looks = 0;
  readonly told: number[] = [];
  readonly notes: string[] = [];
  readers = Infinity;
  readonly stop = new AbortController();
  #end: Promise<unknown> | undefined;

  start(): void {
    this.#end = followAudit({
      rows: (after) => {
        this.looks++;
        if (this.failure) return Promise.reject(this.failure);
        const found = after === undefined
          ? this.log.toReversed()
          : this.log.filter((id) => id > after);
        return Promise.resolve(found.map(rowOf));
      },
      tell: ({ id }) => this.told.push(id) < this.readers,
      note: (text) => this.notes.push(text),
      // In the middle: no jitter.
      io: {
        clock: this.clock,
        random: { unit: () => 0.5, bytes: (length) => new Uint8Array(length) },
      },
      stop: this.stop.signal,
    }).catch((error) => error);
  }

  /** @returns what it ended with. */
  get end(): Promise<unknown> | undefined {
    return this.#end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort("the test is over");
    await this.#end;
  }
}

Deno.test("followAudit() tells the last ten rows, and then each once", async () => {
  await using following = new Following();
  following.log = Array.from({ length: 12 }, (_, at) => at + 1);
  following.start();
  await following.clock.advance(0);
  assert.deepEqual(following.told, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  following.log.push(13, 14);
  await following.clock.advance(3_000);
  assert.deepEqual(following.told.slice(10), [13, 14]);
  assert.equal(following.looks, 4);
  assert.deepEqual(following.notes, []);
});

Deno.test("followAudit() waits for a control plane that is away, says so once, and loses nothing", async () => {
  await using following = new Following();
  following.log = [1];
  following.start();
  await following.clock.advance(1_000);
  following.failure = failing(true);
  // 1 s, then 1, 2, 4, 8 and 15 s after a failure, and no longer.
  await following.clock.advance(1_000);
  const steps: number[][] = [];
  for (const wait of [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
    steps.push(following.clock.sleeping);
    await following.clock.advance(wait);
  }
  assert.deepEqual(steps, [
    [1_000],
    [2_000],
    [4_000],
    [8_000],
    [15_000],
    [15_000],
  ]);
  following.log.push(2, 3);
  following.failure = undefined;
  await following.clock.advance(15_000);
  following.log.push(4);
  await following.clock.advance(1_000);
  assert.deepEqual(following.told, [1, 2, 3, 4]);
  assert.deepEqual(following.notes, [
    "the control plane does not answer; waiting until it is back",
    "the control plane is back",
  ]);
});

Deno.test("followAudit() begins anew with a log that goes back behind what it has told", async () => {
  await using following = new Following();
  following.log = [1, 2, 3, 4];
  following.start();
  await following.clock.advance(0);
  following.failure = failing(true);
  await following.clock.advance(1_000);
  following.failure = undefined;
  following.log = [1, 2];
  await following.clock.advance(1_000);
  following.log.push(3);
  await following.clock.advance(1_000);
  assert.deepEqual(following.told, [1, 2, 3, 4, 1, 2, 3]);
  assert.match(following.notes.at(-1)!, /goes back behind what was shown/);
});

Deno.test("followAudit() ends with a first look that fails, and with one that is refused for good", async () => {
  await using first = new Following();
  first.failure = failing(true);
  first.start();
  assert.equal(await first.end, first.failure);

  await using later = new Following();
  later.start();
  await later.clock.advance(1_000);
  later.failure = failing(false);
  await later.clock.advance(1_000);
  assert.equal(await later.end, later.failure);
  assert.deepEqual(later.notes, []);
});

Deno.test("followAudit() ends when nobody reads, and when it is told to, also while it waits for the control plane", async () => {
  await using unread = new Following();
  unread.log = [1, 2, 3];
  unread.readers = 2;
  unread.start();
  assert.equal(await unread.end, undefined);
  assert.deepEqual(unread.told, [1, 2]);

  await using stopped = new Following();
  stopped.start();
  await stopped.clock.advance(0);
  stopped.failure = failing(true);
  await stopped.clock.advance(5_000);
  stopped.stop.abort("told to stop");
  assert.equal(await stopped.end, "told to stop");
  assert.deepEqual(stopped.clock.sleeping, []);
});
