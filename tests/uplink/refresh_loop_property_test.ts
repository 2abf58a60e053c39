import assert from "node:assert/strict";
import * as fc from "fast-check";
import { ControlError } from "../../src/uplink/control_error.ts";
import { settle } from "../fakes/fake_clock.ts";
import { credentials, Refreshing } from "./refreshing.ts";

const never = new AbortController().signal;

const failures = {
  unreachable: new ControlError("unreachable", "gone"),
  busy: new ControlError("server", "answered 503", { status: 503 }),
  limited: new ControlError("rate_limited", "answered 429", {
    status: 429,
    retryAfterMs: 20_000,
  }),
  no_bus: new ControlError("server", "answered 501", { status: 501 }),
  unauthorized: new ControlError("unauthorized", "answered 401", {
    status: 401,
  }),
} as const;

type Step =
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "jump"; readonly ms: number }
  | { readonly do: "fail"; readonly how: keyof typeof failures }
  | { readonly do: "mend" | "ask" | "wake" | "reject" };

const step = (jumps: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
  fc.oneof(
    fc.record({
      do: fc.constant("pass" as const),
      ms: fc.integer({ min: 1, max: 400_000 }),
    }),
    fc.record({ do: fc.constant("jump" as const), ms: jumps }),
    fc.record({
      do: fc.constant("fail" as const),
      how: fc.constantFrom(
        ...Object.keys(failures) as (keyof typeof failures)[],
      ),
    }),
    fc.record({
      do: fc.constantFrom(
        "mend" as const,
        "ask" as const,
        "wake" as const,
        "reject" as const,
      ),
    }),
  );

/**
 * Runs the steps. `asleep` says that jumps of the wall clock are time in which
 * the credentials grow old; otherwise the clock was merely set.
 */
async function follow(
  steps: readonly Step[],
  lifeMs: number,
  asleep: boolean,
): Promise<void> {
  await using at = new Refreshing();
  let sleptMs = 0;
  const trueMs = () => at.clock.elapsed() + sleptMs;
  const ends = new Map<string, number>();
  let serial = 0;
  at.answer = () => {
    if (at.failure) return Promise.reject(at.failure);
    const given = credentials(at.clock.now(), lifeMs, {
      user_jwt: `jwt-${serial++}`,
    });
    ends.set(given.user_jwt, trueMs() + lifeMs);
    return Promise.resolve(given);
  };
  const check = () => {
    const current = at.loop.current();
    if (current) assert.ok(ends.get(current.user_jwt)! > trueMs(), "expired");
  };
  at.start();
  await settle();
  for (const one of steps) {
    if (one.do === "pass") {
      for (let left = one.ms; left > 0; left -= 7_000) {
        await at.clock.advance(Math.min(left, 7_000));
        check();
      }
    } else if (one.do === "jump") {
      at.clock.jump(one.ms);
      if (asleep) sleptMs += one.ms;
    } else if (one.do === "fail") at.failure = failures[one.how];
    else if (one.do === "mend") at.failure = undefined;
    else if (one.do === "ask") await at.loop.refreshNowIfDue(never);
    else if (one.do === "wake") at.loop.woke();
    else {
      const current = at.loop.current();
      if (current) at.loop.rejected(current);
    }
    check();
    // Whatever else is silent, this tells when it will ask.
    const { nextRefreshMs } = at.loop.status;
    const waitMs = nextRefreshMs! - at.clock.now();
    assert.ok(waitMs <= Math.max(lifeMs, 750_000), `silent for ${waitMs} ms`);
  }
  at.failure = undefined;
  await at.clock.advance(755_000);
  assert.ok(at.loop.current(), "never came back");
  for (const [n, ms] of at.asked.entries()) {
    if (n > 0) assert.ok(ms - at.asked[n - 1]! >= 1_000, "asked too often");
  }
}

const lives = fc.integer({ min: 2_500, max: 3_600_000 });

Deno.test("whatever happens, expired credentials are never used, requests are a second apart, and none stays away for ever", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step(fc.integer({ min: 0, max: 7_200_000 })), { maxLength: 25 }),
      lives,
      (steps, lifeMs) => follow(steps, lifeMs, true),
    ),
    { numRuns: 60 },
  ));

Deno.test("the same holds for a clock that is set ahead and back while the machine is awake", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step(fc.integer({ min: -7_200_000, max: 7_200_000 })), {
        maxLength: 25,
      }),
      lives,
      (steps, lifeMs) => follow(steps, lifeMs, false),
    ),
    { numRuns: 60 },
  ));
