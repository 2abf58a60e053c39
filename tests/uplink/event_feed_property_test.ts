import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ControlError,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import { EventFeed } from "../../src/uplink/event_feed.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const BASE_MS = 1_000;
const IDLE_MS = 90_000;
const REPROBE_MS = 600_000;
/** The jitter of all waits. */
const LEAST = 0.75;
const MOST = 1.25;

const PULL_GAP_MS = LEAST * BASE_MS;

const LONGEST_ASKED_MS = 3_600_000;

/**
 * Longest time without a try: what a server may ask for, with a first step. All
 * other waits, such as the one between two probes, are shorter.
 */
const SILENCE_MS = LONGEST_ASKED_MS + MOST * BASE_MS;

/** What a control plane does about one attempt to open a stream. */
type Deed =
  | { readonly does: "fail"; readonly error: ControlError }
  | { readonly does: "break"; readonly error: Error }
  /** Opens, says something, and closes after a while. */
  | {
    readonly does: "serve";
    readonly says: string;
    readonly forMs: number;
    readonly verified: boolean;
    /** Only so that silence ends it. */
    readonly closes: boolean;
  };

const kinds: readonly ControlFailure[] = [
  "bad_request",
  "unauthorized",
  "forbidden",
  "not_found",
  "conflict",
  "too_large",
  "rate_limited",
  "server",
  "unexpected_status",
  "unreachable",
  "timeout",
  "bad_answer",
  "unsupported",
];

const errors = fc.record({
  kind: fc.constantFrom(...kinds),
  retryAfterMs: fc.option(
    fc.constantFrom(0, 1, 5_000, 120_000, 86_400_000, 2 ** 52),
    { nil: undefined },
  ),
  code: fc.option(
    fc.constantFrom("signed_event_bus_not_provisioned", "unheard_of"),
    { nil: undefined },
  ),
}).map(({ kind, retryAfterMs, code }) =>
  new ControlError(kind, "no", {
    ...(code === undefined ? {} : { code, status: 501 }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
);

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  errors.map((error) => ({ does: "fail" as const, error })),
  fc.constant({ does: "break" as const, error: new TypeError("a bug") }),
  fc.record({
    does: fc.constant("serve" as const),
    says: fc.constantFrom("", ":\n", "retry: 0\n\n", "retry: 999999999\n\n"),
    forMs: fc.constantFrom(0, 1, 500, 59_999, 60_000, 89_000),
    verified: fc.boolean(),
    closes: fc.boolean(),
  }),
);

/** Does one deed after the other to a feed, and notes when it was asked. */
class Script {
  readonly clock = new FakeClock();
  /** When the feed tried to open a stream, and when a pull was begun. */
  readonly opens: number[] = [];
  readonly pulls: number[] = [];
  #cursor = 0;
  #deeds: readonly Deed[];
  readonly #pullDeeds: readonly (ControlError | undefined)[];

  constructor(
    deeds: readonly Deed[],
    pulls: readonly (ControlError | undefined)[],
  ) {
    this.#deeds = deeds;
    this.#pullDeeds = pulls;
  }

  get done(): boolean {
    return this.opens.length >= this.#deeds.length;
  }

  /** How long the server has asked to wait at each try, in ms. */
  get asked(): number[] {
    return this.opens.map((_, at) => {
      const deed = this.#deeds[at % this.#deeds.length]!;
      // Only these statuses carry it, 501 being another matter.
      const { kind, code, retryAfterMs = 0 } = deed.does === "fail"
        ? deed.error
        : new ControlError("unreachable", "none");
      const says = (kind === "rate_limited" || kind === "server") && !code;
      return says ? Math.min(retryAfterMs, LONGEST_ASKED_MS) : 0;
    });
  }

  cursor = () => this.#cursor === 0 ? undefined : String(this.#cursor);

  open = (
    _id: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> => {
    const deed = this.#deeds[this.opens.length % this.#deeds.length]!;
    this.opens.push(this.clock.elapsed());
    if (deed.does !== "serve") return Promise.reject(deed.error);
    if (deed.verified) this.#cursor++;
    return Promise.resolve(
      new ReadableStream<Uint8Array>({
        start: async (controller) => {
          controller.enqueue(new TextEncoder().encode(deed.says));
          if (!deed.closes) return;
          try {
            await this.clock.sleep(deed.forMs, signal);
            controller.close();
          } catch {
            // Given up before its time.
          }
        },
      }),
    );
  };

  pull = (): Promise<void> => {
    const failure = this.#pullDeeds[this.pulls.length % this.#pullDeeds.length];
    this.pulls.push(this.clock.elapsed());
    return failure ? Promise.reject(failure) : Promise.resolve();
  };
}

Deno.test("EventFeed falls silent after no sequence of failures, and never runs hot", async () => {
  const property = fc.asyncProperty(
    fc.array(deeds, { minLength: 1, maxLength: 12 }),
    fc.array(fc.option(errors, { nil: undefined }), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.constantFrom(1 as const, 2 as const),
    // Exact in binary, so that no rounding keeps a fake timer from its moment.
    fc.constantFrom(0, 0.25, 0.5, 0.75, 0.9375),
    async (deeds, pulls, dialect, unit) => {
      const script = new Script(deeds, pulls);
      const stop = new AbortController();
      const feed = new EventFeed({
        dialect,
        open: script.open,
        pull: script.pull,
        sink: { accept: () => Promise.resolve() },
        drain: () => Promise.resolve(),
        cursor: script.cursor,
        resetCursor: () => Promise.resolve(),
        clock: script.clock,
        random: new FakeRandom(unit),
        log: new MemoryLog(),
      });
      const running = feed.run(stop.signal);
      await settle(2);
      while (!script.done) {
        const tries = script.opens.length + script.pulls.length;
        await stepUntil(
          script.clock,
          SILENCE_MS + IDLE_MS,
          () => script.opens.length + script.pulls.length > tries,
        );
      }
      stop.abort();
      await running;
      assert.deepEqual(script.clock.sleeping, [], "it leaves a timer");
      assertPaced(script.opens, LEAST * BASE_MS);
      // One of two may be that of a connect, which is waited for already.
      assertPaced(script.pulls.filter((_, at) => at % 2 === 0), PULL_GAP_MS);
      assertPaced(script.pulls.filter((_, at) => at % 2 === 1), PULL_GAP_MS);
      assertBounded(script.opens);
      assertHeeded(script.opens, script.asked);
    },
  );
  await fc.assert(property, { numRuns: 300 });
});

/** Moves from timer to timer. @throws when nothing happened in time. */
async function stepUntil(
  clock: FakeClock,
  limitMs: number,
  happened: () => boolean,
): Promise<void> {
  const endMs = clock.elapsed() + limitMs;
  while (!happened()) {
    const next = clock.sleeping[0];
    assert.ok(next !== undefined, "nothing is waited for");
    assert.ok(clock.elapsed() + next <= endMs, `silence: next in ${next} ms`);
    await clock.advance(next);
  }
}

function assertPaced(times: readonly number[], gapMs: number) {
  for (const [at, time] of times.slice(1).entries()) {
    const gap = time - times[at]!;
    assert.ok(gap >= gapMs, `${gap} ms between two tries`);
  }
}

/** What a server asked to wait is waited, in whatever state. */
function assertHeeded(times: readonly number[], asked: readonly number[]) {
  for (const [at, time] of times.slice(1).entries()) {
    const gap = time - times[at]!;
    assert.ok(gap >= asked[at]!, `${gap} ms where ${asked[at]} were asked for`);
  }
}

/** A stream is asked for within the longest waits, whatever pulls do. */
function assertBounded(opens: readonly number[]) {
  for (const [at, time] of opens.slice(1).entries()) {
    const gap = time - opens[at]!;
    // A service, then the longest wait; in pull-only mode a pull may have been
    // told to wait, each time it was asked, until the probe is due.
    assert.ok(gap <= IDLE_MS + MOST * REPROBE_MS + 2 * SILENCE_MS, String(gap));
  }
}
