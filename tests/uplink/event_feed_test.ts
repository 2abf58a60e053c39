import assert from "node:assert/strict";
import { ControlError } from "../../src/uplink/control_error.ts";
import {
  EventFeed,
  type EventFeedOptions,
  type FeedStatus,
} from "../../src/uplink/event_feed.ts";
import type { EventFeedSettings } from "../../src/uplink/event_feed_settings.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import type { CarriedMessage } from "../../src/uplink/message_sink.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** A control plane in memory: streams open until `failures` says otherwise. */
class Uplink {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly stop = new AbortController();
  /** Errors of the next attempts to open, first one first. */
  readonly failures: unknown[] = [];
  /** The error of every attempt once `failures` is empty. */
  down: unknown;
  readonly opened: Controller[] = [];
  readonly askedIds: (string | undefined)[] = [];
  readonly statuses: FeedStatus[] = [];
  readonly messages: CarriedMessage[] = [];
  pulls = 0;
  pull: () => Promise<void> = () => Promise.resolve();
  accept: () => Promise<void> = () => Promise.resolve();
  drain: () => Promise<void> = () => Promise.resolve();
  cursor: string | undefined = "7";
  dialect: Dialect = 1;
  resetCursor: () => Promise<void> = () => {
    this.cursor = undefined;
    return Promise.resolve();
  };
  readonly feed: EventFeed;
  readonly #running: Promise<void>;

  constructor(
    settings: EventFeedSettings = {},
    setUp: (uplink: Uplink) => void = () => {},
  ) {
    setUp(this);
    const options: EventFeedOptions = {
      open: (id, signal) => this.#open(id, signal),
      pull: () => {
        this.pulls++;
        return this.pull();
      },
      sink: {
        accept: (message) => {
          this.messages.push(message);
          return this.accept();
        },
      },
      drain: () => this.drain(),
      cursor: () => this.cursor,
      resetCursor: () => this.resetCursor(),
      clock: this.clock,
      random: new FakeRandom(),
      log: this.log,
      settings,
      dialect: this.dialect,
      onState: (state, status) => {
        assert.equal(state, status.state);
        this.statuses.push(status);
      },
    };
    this.feed = new EventFeed(options);
    this.#running = this.feed.run(this.stop.signal);
  }

  get states(): string[] {
    return this.statuses.map(({ state }) => state);
  }

  get state(): string {
    return this.feed.status.state;
  }

  get attempts(): number {
    return this.askedIds.length;
  }

  #open(id: string | undefined, signal: AbortSignal) {
    this.askedIds.push(id);
    const failure = this.failures.shift() ?? this.down;
    if (failure !== undefined) return Promise.reject(failure);
    return Promise.resolve(
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.opened.push(controller);
          signal.addEventListener("abort", () => {
            // A stream that has ended already cannot fail any more.
            if (!this.#ended.has(controller)) controller.error(signal.reason);
          });
        },
        cancel: () => void this.#ended.add(this.opened.at(-1)!),
      }),
    );
  }

  readonly #ended = new Set<Controller>();

  send(text: string) {
    this.opened.at(-1)?.enqueue(new TextEncoder().encode(text));
  }

  end() {
    const controller = this.opened.at(-1)!;
    this.#ended.add(controller);
    controller.close();
  }

  /** Stops the feed and checks that it leaves nothing behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort(new Error("stopped"));
    await this.#running;
    assert.deepEqual(this.clock.sleeping, []);
  }
}

const unreachable = () => new ControlError("unreachable", "no answer");

Deno.test("EventFeed connects with the cursor, pulls once and reads on meanwhile", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.pull = () =>
      new Promise((resolve) => {
        uplink.stop.signal.addEventListener("abort", () => resolve());
      });
  });
  await settle();
  assert.deepEqual(uplink.askedIds, ["7"]);
  assert.deepEqual(uplink.states, ["connecting", "streaming"]);
  uplink.send("id: 8\ndata: a\n\n");
  await settle();
  assert.equal(uplink.pulls, 1, "it is still under way");
  assert.deepEqual(uplink.messages, [{ id: "8", event: "message", data: "a" }]);
});

Deno.test("EventFeed waits longer after each failure, by the table of back-off", async () => {
  await using uplink = new Uplink({}, (uplink) => uplink.down = unreachable());
  const steps = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
  for (const [failures, step] of steps.entries()) {
    await settle();
    assert.equal(uplink.attempts, failures + 1);
    assert.deepEqual(uplink.clock.sleeping, [step]);
    assert.equal(uplink.state, "waiting");
    assert.equal(
      uplink.feed.status.nextTryMs,
      uplink.clock.elapsed() + step,
    );
    await uplink.clock.advance(step);
  }
});

Deno.test("EventFeed spreads its first retry, too", async () => {
  for (const [unit, wait] of [[0, 750], [0.999, 1_249.5]] as const) {
    const clock = new FakeClock();
    const stop = new AbortController();
    const feed = new EventFeed({
      open: () => Promise.reject(unreachable()),
      pull: () => Promise.resolve(),
      sink: { accept: () => Promise.resolve() },
      drain: () => Promise.resolve(),
      cursor: () => undefined,
      resetCursor: () => Promise.resolve(),
      clock,
      random: new FakeRandom(unit),
      log: new MemoryLog(),
    });
    const running = feed.run(stop.signal);
    await settle();
    assert.deepEqual(clock.sleeping, [wait]);
    stop.abort();
    await running;
  }
});

Deno.test("EventFeed shows why it waits, and forgets that once it streams", async () => {
  await using uplink = new Uplink(
    {},
    (uplink) => uplink.failures.push(unreachable()),
  );
  await settle();
  assert.equal(uplink.feed.status.failure, "unreachable");
  assert.equal(uplink.feed.status.lastError, "no answer");
  const { downSinceMs } = uplink.feed.status;
  assert.equal(downSinceMs, uplink.clock.now());
  await uplink.clock.advance(1_000);
  assert.deepEqual(uplink.feed.status, {
    state: "streaming",
    sinceMs: uplink.clock.now(),
  });
});

Deno.test("EventFeed does not run hot against a server that closes each stream at once", async () => {
  await using uplink = new Uplink();
  const waits: number[] = [];
  for (let round = 0; round < 8; round++) {
    await settle();
    uplink.end();
    await settle();
    waits.push(...uplink.clock.sleeping);
    await uplink.clock.advance(uplink.clock.sleeping[0]!);
  }
  assert.deepEqual(
    waits,
    [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000],
  );
});

const services = [
  { what: "a minute of service", ms: 60_000, cursor: "7", wait: 1_000 },
  { what: "a shorter service", ms: 59_999, cursor: "7", wait: 4_000 },
  { what: "verified data", ms: 0, cursor: "8", wait: 1_000 },
];
for (const { what, ms, cursor, wait } of services) {
  Deno.test(`EventFeed waits ${wait} ms after two failures and ${what}`, async () => {
    await using uplink = new Uplink(
      {},
      (uplink) => uplink.failures.push(unreachable(), unreachable()),
    );
    await uplink.clock.advance(3_000);
    assert.equal(uplink.state, "streaming");
    await uplink.clock.advance(ms);
    uplink.cursor = cursor;
    uplink.end();
    await settle();
    assert.deepEqual(uplink.clock.sleeping, [wait]);
  });
}

Deno.test("EventFeed does not take data that moved no cursor for service", async () => {
  await using uplink = new Uplink(
    {},
    (uplink) => uplink.failures.push(unreachable()),
  );
  await uplink.clock.advance(1_000);
  uplink.send("data: forged\n\n");
  uplink.end();
  await settle();
  assert.equal(uplink.messages.length, 1);
  assert.deepEqual(uplink.clock.sleeping, [2_000]);
});

Deno.test("EventFeed reconnects when the sink fails, from the unmoved cursor", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.accept = () => Promise.reject(new Error("disk full"));
  });
  await settle();
  uplink.send("id: 8\ndata: a\n\n");
  await settle();
  assert.equal(uplink.state, "waiting");
  assert.equal(uplink.feed.status.lastError, "disk full");
  assert.equal(uplink.feed.status.failure, undefined);
  await uplink.clock.advance(1_000);
  assert.deepEqual(uplink.askedIds, ["7", "7"]);
});

Deno.test("EventFeed has events come again after the back-off when something was not stored", async () => {
  await using uplink = new Uplink();
  await settle();
  uplink.send("id: 8\ndata: a\n\n");
  await settle();
  const wait = async (ms: number) => {
    uplink.feed.notStored(new Error("disk full"));
    await settle();
    assert.equal(uplink.state, "waiting");
    assert.equal(uplink.feed.status.lastError, "disk full");
    // What fails while it waits cuts no wait short.
    uplink.feed.notStored(new Error("disk full"));
    await settle();
    assert.deepEqual(uplink.clock.sleeping, [ms]);
    await uplink.clock.advance(ms);
  };
  await wait(1_000);
  await wait(2_000);
  assert.deepEqual(uplink.askedIds, ["7", "7", "7"]);
});

Deno.test("EventFeed opens no stream before all that came is durable, and then goes on after it", async () => {
  let durable = () => {};
  await using uplink = new Uplink();
  await settle();
  uplink.drain = () => new Promise((resolve) => durable = resolve);
  uplink.send("id: 8\ndata: a\n\n");
  await settle();
  uplink.end();
  await uplink.clock.advance(60_000);
  assert.deepEqual(uplink.askedIds, ["7"]);
  uplink.cursor = "8";
  durable();
  await settle();
  assert.deepEqual(uplink.askedIds, ["7", "8"]);
  assert.equal(uplink.state, "streaming");
});

Deno.test("EventFeed connects when something could not be stored, and leaves while it waits for that", async () => {
  await using uplink = new Uplink(
    {},
    (uplink) => uplink.drain = () => Promise.reject(new Error("disk full")),
  );
  await settle();
  assert.equal(uplink.state, "streaming");
  uplink.drain = () => new Promise(() => {});
  uplink.end();
  await uplink.clock.advance(60_000);
  assert.equal(uplink.state, "connecting");
});

Deno.test("EventFeed reconnects after 90 s of silence", async () => {
  await using uplink = new Uplink();
  await settle();
  await uplink.clock.advance(89_999);
  assert.equal(uplink.state, "streaming");
  await uplink.clock.advance(1);
  assert.equal(uplink.state, "waiting");
  assert.equal(uplink.feed.status.failure, "timeout");
});

Deno.test("EventFeed polls where every stream opens well and nothing ever comes", async () => {
  await using uplink = new Uplink();
  const waits: number[] = [];
  for (let round = 0; round < 4; round++) {
    await uplink.clock.advance(90_000);
    assert.equal(uplink.feed.status.failure, "timeout");
    waits.push(...uplink.clock.sleeping);
    await uplink.clock.advance(uplink.clock.sleeping[0]!);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000]);
  assert.equal(uplink.state, "streaming");
  await uplink.clock.advance(90_000);
  assert.equal(uplink.states.at(-1), "polling");
});

Deno.test("EventFeed takes a minute of keep-alives for service, though silence ended it", async () => {
  await using uplink = new Uplink(
    {},
    (uplink) => uplink.failures.push(unreachable(), unreachable()),
  );
  await uplink.clock.advance(3_000);
  for (const ms of [30_000, 30_000]) {
    await uplink.clock.advance(ms);
    uplink.send(":\n");
    await settle();
  }
  await uplink.clock.advance(90_000);
  assert.equal(uplink.feed.status.failure, "timeout");
  assert.deepEqual(uplink.clock.sleeping, [1_000]);
});

for (const jumpMs of [3_600_000, -3_600_000]) {
  const hours = jumpMs / 3_600_000;
  Deno.test(`EventFeed waits, polls and listens as before when the clock jumps by ${hours} h`, async () => {
    await using uplink = new Uplink({}, (uplink) => {
      uplink.failures.push(
        unreachable(),
        new ControlError("unauthorized", "no"),
        new ControlError("rate_limited", "slow", { retryAfterMs: 30_000 }),
      );
    });
    for (
      const [state, wait] of [["waiting", 1_000], ["refused", 600_000], [
        "waiting",
        31_000,
      ]] as const
    ) {
      await settle();
      const { attempts } = uplink;
      assert.equal(uplink.state, state);
      uplink.clock.jump(jumpMs);
      await uplink.clock.advance(wait - 1);
      assert.equal(uplink.attempts, attempts);
      await uplink.clock.advance(1);
      assert.equal(uplink.attempts, attempts + 1);
    }
    uplink.clock.jump(jumpMs);
    await uplink.clock.advance(89_999);
    assert.equal(uplink.states.at(-1), "streaming");
    await uplink.clock.advance(1);
    assert.equal(uplink.feed.status.failure, "timeout");

    await untilPolling(uplink);
    const { pulls } = uplink;
    uplink.clock.jump(jumpMs);
    await uplink.clock.advance(120_000);
    assert.equal(uplink.pulls, pulls + 2);
  });
}

const limits = [
  { what: "429 and a time", kind: "rate_limited", asked: 30_000, wait: 31_000 },
  {
    what: "429 and no time",
    kind: "rate_limited",
    asked: undefined,
    wait: 1_000,
  },
  {
    what: "429 and no wait at all",
    kind: "rate_limited",
    asked: 0,
    wait: 1_000,
  },
  {
    what: "429 and a day",
    kind: "rate_limited",
    asked: 86_400_000,
    wait: 3_601_000,
  },
  { what: "503 and a time", kind: "server", asked: 30_000, wait: 31_000 },
] as const;
for (const { what, kind, asked, wait } of limits) {
  Deno.test(`EventFeed waits ${wait} ms when the server says ${what}`, async () => {
    const details = asked === undefined ? {} : { retryAfterMs: asked };
    await using uplink = new Uplink({}, (uplink) => {
      uplink.down = new ControlError(kind, "busy", details);
    });
    await settle();
    assert.deepEqual(uplink.clock.sleeping, [wait]);
  });
}

Deno.test("EventFeed does not count being rate limited as an outage", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.down = new ControlError("rate_limited", "busy");
  });
  await uplink.clock.advance(1_200_000);
  assert.ok(uplink.attempts > 1_000, "the interval did not grow");
  assert.ok(!uplink.states.includes("polling"));
});

Deno.test("EventFeed heeds the server's wait even when the outage has been long", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.failures.push(...Array.from({ length: 10 }, unreachable));
    uplink.down = new ControlError("rate_limited", "busy", {
      retryAfterMs: 30_000,
    });
  });
  await uplink.clock.advance(303_000);
  assert.equal(uplink.attempts, 11);
  assert.equal(uplink.state, "waiting");
  assert.deepEqual(uplink.clock.sleeping, [31_000]);
});

Deno.test("EventFeed polls in a long outage, but asks for a stream no sooner than the server said", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.failures.push(...Array.from({ length: 10 }, unreachable));
    uplink.down = new ControlError("server", "down", {
      status: 503,
      retryAfterMs: 600_000,
    });
  });
  await uplink.clock.advance(303_000);
  assert.equal(uplink.attempts, 11);
  assert.equal(uplink.state, "polling");
  assert.equal(uplink.pulls, 1);
  assert.deepEqual(uplink.clock.sleeping, [601_000]);
  assert.equal(uplink.feed.status.nextTryMs, uplink.clock.elapsed() + 601_000);
});

const refusals = [
  { kind: "unauthorized" },
  { kind: "forbidden" },
  { kind: "not_found" },
] as const;
for (const { kind } of refusals) {
  Deno.test(`EventFeed tries again every 10 minutes after ${kind}, and says so`, async () => {
    await using uplink = new Uplink({}, (uplink) => {
      uplink.failures.push(
        new ControlError(kind, "no"),
        new ControlError(kind, "no"),
      );
    });
    await settle();
    assert.equal(uplink.state, "refused");
    assert.equal(uplink.statuses.at(-1)?.failure, kind);
    assert.equal(
      uplink.statuses.at(-1)?.nextTryMs,
      uplink.clock.elapsed() + 600_000,
    );
    await uplink.clock.advance(599_999);
    assert.equal(uplink.attempts, 1);
    await uplink.clock.advance(1);
    assert.equal(uplink.attempts, 2);
    await uplink.clock.advance(600_000);
    assert.equal(uplink.state, "streaming");
  });
}

/** Runs an outage until the feed has turned to polling. */
async function untilPolling(uplink: Uplink): Promise<void> {
  uplink.down = unreachable();
  while (uplink.state !== "polling") {
    await uplink.clock.advance(uplink.clock.sleeping[0] ?? 0);
  }
}

Deno.test("EventFeed pulls states every minute once an outage has lasted 5 minutes", async () => {
  await using uplink = new Uplink({}, (uplink) => uplink.down = unreachable());
  const start = uplink.clock.elapsed();
  await untilPolling(uplink);
  const lasted = uplink.clock.elapsed() - start;
  assert.ok(lasted >= 300_000 && lasted <= 360_000, String(lasted));
  assert.equal(uplink.pulls, 1);
  const attempts = uplink.attempts;
  await uplink.clock.advance(180_000);
  assert.equal(uplink.pulls, 4);
  assert.equal(uplink.attempts, attempts + 3, "each pull is followed by a try");
  uplink.down = undefined;
  await uplink.clock.advance(60_000);
  assert.equal(uplink.state, "streaming");
});

Deno.test("EventFeed goes on polling when the pulls fail, too", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.pull = () => Promise.reject(unreachable());
  });
  await settle();
  await untilPolling(uplink);
  const { pulls } = uplink;
  await uplink.clock.advance(120_000);
  assert.equal(uplink.pulls, pulls + 2);
});

Deno.test("EventFeed waits between pulls as long as the server asks", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.pull = () =>
      Promise.reject(
        new ControlError("rate_limited", "busy", { retryAfterMs: 200_000 }),
      );
  });
  await settle();
  await untilPolling(uplink);
  await settle();
  assert.deepEqual(uplink.clock.sleeping, [200_000]);
  assert.equal(
    uplink.feed.status.nextTryMs,
    uplink.clock.elapsed() + 200_000,
  );
});

Deno.test("EventFeed is refused when a pull is, while it polls", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.pull = () => Promise.reject(new ControlError("unauthorized", "no"));
  });
  await settle();
  assert.equal(
    uplink.state,
    "streaming",
    "a pull beside the stream decides nothing",
  );
  uplink.end();
  await untilRefused(uplink);
  assert.equal(uplink.feed.status.failure, "unauthorized");
  assert.deepEqual(uplink.clock.sleeping, [600_000]);
});

/** What dialect 2 answers where it has no event stream. */
const noStream = () =>
  new ControlError("server", "not here", {
    status: 501,
    code: "signed_event_bus_not_provisioned",
    correlationId: "c-1",
  });

Deno.test("EventFeed pulls at once where there is no stream, and probes every 10 minutes", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.dialect = 2;
    uplink.down = noStream();
  });
  await settle();
  assert.equal(uplink.state, "pull_only");
  assert.equal(uplink.pulls, 1);
  assert.equal(
    uplink.feed.status.lastError,
    "not here [correlation id c-1]",
  );
  assert.equal(uplink.feed.status.nextTryMs, uplink.clock.elapsed() + 600_000);
  await uplink.clock.advance(599_999);
  assert.equal(uplink.attempts, 1);
  assert.equal(uplink.pulls, 10, "one at the start, then each minute");
  await uplink.clock.advance(1);
  assert.equal(uplink.attempts, 2);
  assert.equal(uplink.state, "pull_only");
  uplink.down = undefined;
  await uplink.clock.advance(600_000);
  assert.equal(uplink.state, "streaming");
  assert.equal(uplink.feed.status.lastError, undefined);
});

Deno.test("EventFeed takes the same answer for an outage in dialect 1", async () => {
  await using uplink = new Uplink({}, (uplink) => uplink.down = noStream());
  await settle();
  assert.equal(uplink.state, "waiting");
  assert.deepEqual(uplink.clock.sleeping, [1_000]);
});

Deno.test("EventFeed takes another 501 for an outage in dialect 2", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.dialect = 2;
    uplink.down = new ControlError("server", "no", { status: 501 });
  });
  await settle();
  assert.equal(uplink.state, "waiting");
});

Deno.test("EventFeed goes on without a stream when the pulls fail, too", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.dialect = 2;
    uplink.down = noStream();
    uplink.pull = () => Promise.reject(noStream());
  });
  await uplink.clock.advance(600_000);
  assert.equal(uplink.state, "pull_only");
  assert.equal(uplink.attempts, 2);
});

Deno.test("EventFeed without a stream waits as long as the server asks a pull to", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.dialect = 2;
    uplink.down = noStream();
    uplink.pull = () =>
      Promise.reject(
        new ControlError("rate_limited", "busy", { retryAfterMs: 1_200_000 }),
      );
  });
  await uplink.clock.advance(1_199_999);
  assert.equal(uplink.pulls, 1);
  assert.equal(uplink.attempts, 1);
  await uplink.clock.advance(1);
  assert.equal(uplink.attempts, 2);
});

Deno.test("EventFeed without a stream is refused when a pull is", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.dialect = 2;
    uplink.down = noStream();
    uplink.pull = () => Promise.reject(new ControlError("unauthorized", "no"));
  });
  await settle();
  assert.equal(uplink.state, "refused");
  assert.equal(uplink.feed.status.failure, "unauthorized");
});

Deno.test("EventFeed probes on time where pulls are rarer than probes", async () => {
  await using uplink = new Uplink({ reprobeIntervalMs: 30_000 }, (uplink) => {
    uplink.dialect = 2;
    uplink.down = noStream();
  });
  await uplink.clock.advance(30_000);
  assert.equal(uplink.attempts, 2);
});

async function untilRefused(uplink: Uplink): Promise<void> {
  uplink.down = unreachable();
  await settle();
  while (uplink.state !== "refused") {
    await uplink.clock.advance(uplink.clock.sleeping[0] ?? 0);
  }
}

for (const dialect of [1, 2] as const) {
  Deno.test(`EventFeed in dialect ${dialect} drops a cursor that is answered with 400, and pulls`, async () => {
    await using uplink = new Uplink({}, (uplink) => {
      uplink.dialect = dialect;
      uplink.failures.push(new ControlError("bad_request", "bad cursor"));
    });
    await uplink.clock.advance(1_000);
    assert.deepEqual(uplink.askedIds, ["7", undefined]);
    assert.equal(uplink.state, "streaming");
    assert.equal(uplink.pulls, 1);
  });
}

Deno.test("EventFeed does not run hot against a server that answers everything with 400", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.down = new ControlError("bad_request", "no");
  });
  await uplink.clock.advance(63_000);
  assert.deepEqual(uplink.askedIds, ["7", ...Array(6).fill(undefined)]);
});

Deno.test("EventFeed goes on when the cursor cannot be dropped", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.failures.push(new ControlError("bad_request", "bad cursor"));
    uplink.resetCursor = () => Promise.reject(new Error("disk full"));
  });
  await uplink.clock.advance(1_000);
  assert.equal(uplink.state, "streaming");
});

const retries = [
  { asked: 5_000, wait: 5_000 },
  { asked: 0, wait: 1_000 },
  { asked: 1, wait: 1_000 },
  { asked: 3_600_000, wait: 60_000 },
  { asked: "9".repeat(400), wait: 60_000 },
  { asked: "-5000", wait: 1_000 },
  { asked: "5s", wait: 1_000 },
];
for (const { asked, wait } of retries) {
  Deno.test(
    `EventFeed waits ${wait} ms when the stream said retry: ${
      String(asked).slice(0, 20)
    }`,
    async () => {
      await using uplink = new Uplink();
      await settle();
      uplink.send(`retry: ${asked}\n\n`);
      uplink.end();
      await settle();
      assert.deepEqual(uplink.clock.sleeping, [wait]);
    },
  );
}

Deno.test("EventFeed answers an event that is too long with a pull, and streams on", async () => {
  await using uplink = new Uplink({ maxEventBytes: 20 });
  await settle();
  assert.equal(uplink.pulls, 1);
  uplink.send(`data: ${"x".repeat(30)}\n\ndata: b\n\n`);
  await uplink.clock.advance(999);
  assert.equal(uplink.pulls, 1, "a second has not passed since the last one");
  await uplink.clock.advance(1);
  assert.equal(uplink.pulls, 2);
  assert.equal(uplink.feed.skippedEvents, 1);
  assert.deepEqual(uplink.messages.map(({ data }) => data), ["b"]);
});

Deno.test("EventFeed asks for one pull at a time, and for one more after it", async () => {
  let release = () => {};
  await using uplink = new Uplink({ maxEventBytes: 20 }, (uplink) => {
    uplink.pull = () => new Promise((resolve) => release = resolve);
  });
  await settle();
  for (let count = 0; count < 5; count++) {
    uplink.send(`data: ${"x".repeat(30)}\n\n`);
    await settle();
  }
  assert.equal(uplink.pulls, 1);
  release();
  await uplink.clock.advance(1_000);
  assert.equal(uplink.pulls, 2);
  release();
  await uplink.clock.advance(1_000);
  assert.equal(uplink.pulls, 2);
});

Deno.test("EventFeed pulls no more than once a second, however many events are too long", async () => {
  await using uplink = new Uplink({ maxEventBytes: 20 });
  await settle();
  for (let count = 0; count < 100; count++) {
    uplink.send(`data: ${"x".repeat(30)}\n\n`);
    await uplink.clock.advance(50);
  }
  assert.equal(uplink.feed.skippedEvents, 100);
  assert.ok(uplink.pulls <= 6, String(uplink.pulls));
});

Deno.test("EventFeed.run() settles only when its pull has", async () => {
  let release = () => {};
  const uplink = new Uplink({}, (uplink) => {
    uplink.pull = () => new Promise((resolve) => release = resolve);
  });
  await settle();
  let gone = false;
  const leaving = uplink[Symbol.asyncDispose]().then(() => gone = true);
  await settle();
  assert.equal(gone, false);
  release();
  await leaving;
});

Deno.test("EventFeed that runs again was not down meanwhile", async () => {
  const uplink = new Uplink();
  await settle();
  await uplink[Symbol.asyncDispose]();
  await uplink.clock.advance(60_000);
  const again = new AbortController();
  uplink.down = unreachable();
  const running = uplink.feed.run(again.signal);
  await settle();
  const { state, downSinceMs } = uplink.feed.status;
  assert.deepEqual([state, downSinceMs], ["waiting", uplink.clock.now()]);
  again.abort();
  await running;
});

const moments: { state: string; setUp: (uplink: Uplink) => void }[] = [
  { state: "streaming", setUp: () => {} },
  { state: "waiting", setUp: (uplink) => uplink.down = unreachable() },
  {
    state: "refused",
    setUp: (uplink) => uplink.down = new ControlError("forbidden", "no"),
  },
  {
    state: "pull_only",
    setUp: (uplink) => {
      uplink.dialect = 2;
      uplink.down = noStream();
    },
  },
];
for (const { state, setUp } of moments) {
  Deno.test(`EventFeed.run() leaves no timer when it is stopped while ${state}`, async () => {
    await using uplink = new Uplink({}, setUp);
    await settle();
    assert.equal(uplink.state, state);
  });
}

Deno.test("EventFeed.run() leaves no timer when it is stopped while polling", async () => {
  await using uplink = new Uplink();
  await settle();
  uplink.end();
  await untilPolling(uplink);
});

for (
  const name of [
    "backoffBaseMs",
    "backoffMaxMs",
    "pollingAfterMs",
    "pollIntervalMs",
    "reprobeIntervalMs",
    "idleTimeoutMs",
    "maxEventBytes",
  ]
) {
  Deno.test(`EventFeed refuses ${name} that is not above 0`, () => {
    for (const value of [0, -1, NaN]) {
      assert.throws(() => new Uplink({ [name]: value }), RangeError);
    }
  });
}

Deno.test("reconnect() opens a new stream at once, without a word of an outage", async () => {
  await using uplink = new Uplink();
  await settle();
  uplink.feed.reconnect();
  await settle();
  assert.equal(uplink.attempts, 2);
  assert.equal(uplink.state, "streaming");
  assert.deepEqual(uplink.states, [
    "connecting",
    "streaming",
    "connecting",
    "streaming",
  ]);
  assert.equal(uplink.pulls, 2);
});

Deno.test("reconnect() does not cut the wait short that a 503 asked for", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.failures.push(
      new ControlError("server", "down", { retryAfterMs: 60_000 }),
    );
  });
  await settle();
  uplink.feed.reconnect();
  await settle();
  assert.equal(uplink.state, "waiting");
  await uplink.clock.advance(61_000);
  assert.equal(uplink.state, "streaming");
});

Deno.test("reconnect() cuts a wait short, but not one that a server asked for", async () => {
  await using uplink = new Uplink({}, (uplink) => {
    uplink.failures.push(unreachable());
  });
  await settle();
  assert.equal(uplink.state, "waiting");
  uplink.feed.reconnect();
  await settle();
  assert.equal(uplink.state, "streaming");
  uplink.failures.push(
    new ControlError("rate_limited", "slower", { retryAfterMs: 60_000 }),
  );
  uplink.feed.reconnect();
  await settle();
  assert.equal(uplink.state, "waiting");
  uplink.feed.reconnect();
  await settle();
  assert.equal(uplink.state, "waiting");
  // Once it has been waited for, it counts no more.
  await uplink.clock.advance(70_000);
  assert.equal(uplink.state, "streaming");
  const { attempts } = uplink;
  uplink.feed.reconnect();
  await settle();
  assert.equal(uplink.attempts, attempts + 1);
});
