import assert from "node:assert/strict";
import {
  type BusSession,
  type BusStatus,
  CarrierFeed,
} from "../../src/uplink/carrier_feed.ts";
import type { FeedStatus } from "../../src/uplink/event_feed.ts";
import { BusError } from "../../src/uplink/nats/bus_error.ts";
import type { CarrierCredentials } from "../../src/wire/carrier_credentials.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { credentials } from "./refreshing.ts";

const away = () => new BusError("unreachable", "the bus is away");

/** A connection to a bus that ends when the test says so. */
class Session implements BusSession {
  readonly #end = Promise.withResolvers<void>();
  isReading = false;
  isClosed = false;

  constructor(readonly credentials: CarrierCredentials) {}

  read(): Promise<void> {
    this.isReading = true;
    return this.#end.promise;
  }

  break(error: unknown = away()): void {
    this.#end.reject(error);
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.#end.resolve();
    return Promise.resolve();
  }
}

/** A feed with both carriers in the hands of the test. */
class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly states: string[] = [];
  readonly statuses: BusStatus[] = [];
  readonly sessions: Session[] = [];
  readonly rejected: CarrierCredentials[] = [];
  /** What happens, in order. */
  readonly story: string[] = [];
  current: CarrierCredentials | undefined = credentials(0, 3_600_000);
  refreshes = 0;
  /** What tries to connect fail with. */
  failure: unknown;
  /** Tries to connect come to no end. */
  hangs = false;
  heard: { refused(): void; skipped(): void } | undefined;
  pull = (): Promise<void> => Promise.resolve();
  isStreaming = false;
  streamEnds: (() => void) | undefined;
  readonly feed: CarrierFeed;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly running: Promise<void>;

  constructor(setUp: (world: World) => void = () => {}) {
    setUp(this);
    this.feed = new CarrierFeed({
      stream: this.#stream(),
      credentials: {
        current: () => this.current,
        refreshNowIfDue: () => {
          this.refreshes++;
          return Promise.resolve(false);
        },
        rejected: (refused) => this.rejected.push(refused),
        onChange: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      open: (current, _attempt, heard) => {
        this.story.push("connect");
        this.heard = heard;
        if (this.hangs) return new Promise(() => {});
        if (this.failure) return Promise.reject(this.failure);
        const session = new Session(current);
        this.sessions.push(session);
        return Promise.resolve(session);
      },
      pull: () => {
        this.story.push("pull");
        return this.pull();
      },
      drain: () => {
        this.story.push("drain");
        return Promise.resolve();
      },
      onState: (state, status) => {
        this.check();
        this.states.push(state);
        this.statuses.push(status);
      },
      io: { clock: this.clock, random: new FakeRandom(), log: this.log },
    });
    this.running = this.feed.run(this.#stop.signal);
  }

  #stream() {
    const status: FeedStatus = { state: "streaming", sinceMs: 0 };
    return {
      name: "stream",
      status,
      reconnect: () => void this.story.push("stream anew"),
      run: async (signal: AbortSignal) => {
        assert.equal(this.isStreaming, false);
        this.isStreaming = true;
        this.story.push("stream on");
        const end = Promise.withResolvers<void>();
        this.streamEnds = end.resolve;
        signal.addEventListener("abort", () => end.resolve(), { once: true });
        await end.promise;
        this.isStreaming = false;
        this.story.push("stream off");
      },
    };
  }

  /** Never may both carriers bring events. */
  check(): void {
    const reading = this.sessions.filter(({ isReading, isClosed }) =>
      isReading && !isClosed
    );
    assert.ok(reading.length + (this.isStreaming ? 1 : 0) <= 1, "both feed");
  }

  give(next: CarrierCredentials | undefined): void {
    this.current = next;
    for (const listener of this.#listeners) listener();
  }

  get session(): Session {
    return this.sessions.at(-1)!;
  }

  get state(): string {
    return this.feed.bus.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.running;
    this.check();
    assert.equal(this.isStreaming, false);
    assert.ok(this.sessions.every(({ isClosed }) => isClosed));
    assert.deepEqual(this.clock.sleeping, []);
  }
}

Deno.test("the stream feeds at once; the bus is connected, caught up with, and only then feeds alone", async () => {
  await using world = new World();
  const pulled = Promise.withResolvers<void>();
  world.pull = () => pulled.promise;
  await settle();
  assert.equal(world.state, "catching_up");
  assert.ok(world.isStreaming);
  assert.equal(world.feed.feeder, "sse");
  pulled.resolve();
  await settle();
  assert.equal(world.state, "feeding");
  assert.equal(world.isStreaming, false);
  assert.ok(world.session.isReading);
  assert.deepEqual(world.story, [
    "drain",
    "stream on",
    "connect",
    "pull",
    "stream off",
    "drain",
  ]);
  assert.equal(world.feed.status.state, "streaming");
});

Deno.test("a bus that is lost for a moment is connected again, with a pull, and without the stream", async () => {
  await using world = new World();
  await settle();
  world.story.length = 0;
  world.session.break();
  await settle();
  assert.equal(world.state, "lost");
  assert.equal(world.feed.feeder, null);
  assert.equal(world.feed.status.state, "connecting");
  await world.clock.advance(1_000);
  assert.equal(world.state, "feeding");
  assert.deepEqual(world.story, ["connect", "pull", "drain"]);
});

Deno.test("a bus that stays away gives way to the stream after 5 s, is tried with back-off, and comes back", async () => {
  await using world = new World();
  await settle();
  world.failure = away();
  world.story.length = 0;
  world.session.break();
  await world.clock.advance(5_500);
  assert.equal(world.state, "waiting");
  assert.ok(world.isStreaming);
  assert.match(world.feed.bus.lastError ?? "", /away/);
  assert.equal(world.feed.bus.isRefusal, false);
  const before = world.story.filter((one) => one === "connect").length;
  assert.ok(before >= 3 && before <= 6, `${before} quick tries`);
  await world.clock.advance(600_000);
  const tries = world.story.filter((one) => one === "connect").length - before;
  assert.ok(tries >= 9 && tries <= 16, `${tries} tries in 10 min`);
  world.failure = undefined;
  await world.clock.advance(75_000);
  assert.equal(world.state, "feeding");
  assert.equal(world.isStreaming, false);
});

Deno.test("a bus that comes back and refuses is told from one that stays away", async () => {
  await using world = new World();
  await settle();
  world.failure = new BusError("unauthorized", "not these");
  world.session.break();
  await world.clock.advance(5_500);
  assert.equal(world.state, "waiting");
  assert.equal(world.feed.bus.isRefusal, true);
  assert.match(world.feed.bus.lastError ?? "", /not these/);
});

Deno.test("neither a connection nor a pull that hangs keeps the stream away for longer than 5 s", async () => {
  for (const what of ["connection", "pull"] as const) {
    await using world = new World();
    await settle();
    const never = new Promise<void>(() => {});
    if (what === "pull") world.pull = () => never;
    else world.hangs = true;
    world.session.break();
    await world.clock.advance(4_999);
    assert.equal(world.state, "lost");
    await world.clock.advance(1);
    assert.equal(world.state, "waiting");
    assert.ok(world.isStreaming);
    world.hangs = false;
    world.pull = () => Promise.resolve();
    await world.clock.advance(10_000);
    assert.equal(world.state, "feeding");
  }
});

Deno.test("messages that are refused are answered with a pull, also after the bus was regained", async () => {
  await using world = new World();
  await settle();
  world.session.break();
  await world.clock.advance(10_000);
  assert.equal(world.state, "feeding");
  world.story.length = 0;
  world.heard?.refused();
  world.heard?.skipped();
  await world.clock.advance(5_000);
  assert.ok(world.story.includes("pull"));
  assert.equal(world.feed.refused, 1);
  assert.equal(world.feed.skipped, 1);
});

Deno.test("a bus that lets in and closes at once is not asked all the time", async () => {
  await using world = new World();
  const tries = () => world.story.filter((one) => one === "connect").length;
  for (let seconds = 0; seconds < 600; seconds++) {
    await settle();
    if (world.state === "feeding") world.session.break();
    await world.clock.advance(1_000);
  }
  assert.ok(tries() <= 20, `${tries()} in 10 min`);
  assert.ok(world.isStreaming);
});

Deno.test("a pull that fails keeps the stream, and the bus waits for its turn", async () => {
  await using world = new World((world) => {
    world.pull = () => Promise.reject(new Error("no state"));
  });
  await settle();
  assert.equal(world.state, "waiting");
  assert.ok(world.isStreaming);
  assert.ok(world.session.isClosed && !world.session.isReading);
  world.pull = () => Promise.resolve();
  await world.clock.advance(3_000);
  assert.equal(world.state, "feeding");
});

Deno.test("without credentials the stream feeds; the bus is used as soon as there are some", async () => {
  await using world = new World((world) => {
    world.current = undefined;
  });
  await world.clock.advance(60_000);
  assert.equal(world.state, "without");
  assert.ok(world.isStreaming);
  assert.equal(world.sessions.length, 0);
  world.give(credentials(1, 3_600_000));
  await settle();
  assert.equal(world.state, "feeding");
});

for (const kind of ["unauthorized", "missing"] as const) {
  Deno.test(`credentials for which the bus answers "${kind}" are renewed, and then tried at once`, async () => {
    await using world = new World((world) => {
      world.failure = new BusError(kind, "not these");
    });
    await settle();
    assert.deepEqual(world.rejected, [world.current]);
    assert.equal(world.state, "waiting");
    assert.equal(world.feed.bus.isRefusal, true);
    assert.ok(world.isStreaming);
    world.failure = undefined;
    world.give(credentials(1, 3_600_000));
    await settle();
    assert.equal(world.state, "feeding");
    assert.equal(world.session.credentials, world.current);
  });
}

Deno.test("a bus that is not where the first credentials say is asked for once", async () => {
  await using world = new World((world) => {
    world.failure = away();
  });
  await settle();
  assert.deepEqual(world.rejected, [world.current]);
  await world.clock.advance(600_000);
  assert.ok(world.story.filter((one) => one === "connect").length > 3);
  assert.equal(world.rejected.length, 1);
  world.failure = undefined;
  world.give(credentials(1, 3_600_000));
  await settle();
  assert.equal(world.state, "feeding");
});

Deno.test("fresh credentials are taken into use without the stream, and without a word of an outage", async () => {
  await using world = new World();
  await settle();
  const first = world.session;
  world.give(credentials(1, 3_600_000));
  await world.clock.advance(5_000);
  assert.ok(first.isClosed);
  assert.equal(world.state, "feeding");
  assert.equal(world.session.credentials, world.current);
  assert.equal(world.story.filter((one) => one === "stream on").length, 1);
  const lost = world.statuses.find(({ state }) => state === "lost");
  assert.equal(lost?.planned, true);
  assert.equal(lost?.lastError, undefined);
});

Deno.test("a connection whose credentials have ended is left, and the stream feeds", async () => {
  await using world = new World();
  await settle();
  world.current = undefined;
  await world.clock.advance(7_000);
  assert.equal(world.state, "without");
  assert.ok(world.session.isClosed);
  assert.ok(world.isStreaming);
});

Deno.test("reconnect() leaves what is open and connects anew, after a refresh that is due", async () => {
  await using world = new World();
  await settle();
  const first = world.session;
  const refreshes = world.refreshes;
  world.feed.reconnect();
  await world.clock.advance(1_000);
  assert.ok(first.isClosed);
  assert.equal(world.state, "feeding");
  assert.equal(world.refreshes, refreshes + 1);
  assert.ok(world.story.includes("stream anew"));
});

Deno.test("reconnect() does not wait for the end of a back-off", async () => {
  await using world = new World((world) => {
    world.failure = away();
  });
  await world.clock.advance(300_000);
  assert.equal(world.state, "waiting");
  world.failure = undefined;
  world.feed.reconnect();
  await settle();
  assert.equal(world.state, "feeding");
});

Deno.test("the feed ends when the stream's part ends by itself, and says so", async () => {
  const world = new World((world) => {
    world.failure = away();
  });
  await settle();
  world.streamEnds?.();
  await assert.rejects(world.running, /ended early/);
});

Deno.test("the feed stops while a connection is being made, and closes it when it comes", async () => {
  const opened = Promise.withResolvers<BusSession>();
  const stop = new AbortController();
  const clock = new FakeClock();
  const feed = new CarrierFeed({
    stream: {
      name: "stream",
      status: { state: "streaming", sinceMs: 0 },
      reconnect() {},
      run: (signal) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true })
        ),
    },
    credentials: {
      current: () => credentials(0, 1_000),
      refreshNowIfDue: () => Promise.resolve(false),
      rejected() {},
      onChange: () => () => {},
    },
    open: () => opened.promise,
    pull: () => Promise.resolve(),
    drain: () => Promise.resolve(),
    io: { clock, random: new FakeRandom(), log: new MemoryLog() },
  });
  const running = feed.run(stop.signal);
  await settle();
  stop.abort();
  await running;
  const late = new Session(credentials(0, 1_000));
  opened.resolve(late);
  await settle();
  assert.ok(late.isClosed);
});
