import assert from "node:assert/strict";
import { type Part, runTogether } from "../../src/platform/part.ts";

/** Works until it is stopped, and tells when it has left. */
function steady(name: string, left: string[]): Part {
  return {
    name,
    run: (signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          left.push(name);
          resolve();
        }, { once: true });
      }),
  };
}

Deno.test("runTogether() resolves when all parts have left after a stop", async () => {
  const left: string[] = [];
  const stop = new AbortController();
  const running = runTogether(
    [steady("one", left), steady("two", left)],
    stop.signal,
  );
  stop.abort();
  await running;
  assert.deepEqual(left, ["one", "two"]);
});

const boom = new Error("boom");
const early: { how: string; run: Part["run"]; cause: unknown }[] = [
  { how: "returns", run: () => Promise.resolve(), cause: undefined },
  { how: "rejects", run: () => Promise.reject(boom), cause: boom },
  {
    how: "throws at once",
    run: () => {
      throw boom;
    },
    cause: boom,
  },
];
for (const { how, run, cause } of early) {
  Deno.test(`runTogether() stops the others and throws when a part ${how}`, async () => {
    const left: string[] = [];
    const parts = [
      steady("first", left),
      { name: "bad", run },
      steady("last", left),
    ];
    const error: unknown = await runTogether(
      parts,
      new AbortController().signal,
    ).catch((error) => error);
    assert(error instanceof Error);
    assert.equal(error.message, 'Part "bad" ended early');
    assert.equal(error.cause, cause);
    assert.deepEqual(left.toSorted(), ["first", "last"]);
  });
}

Deno.test("runTogether() waits for a part that takes its time to leave", async () => {
  const gate = Promise.withResolvers<void>();
  const stop = new AbortController();
  let done = false;
  const slow = { name: "slow", run: () => gate.promise };
  const running = runTogether([slow], stop.signal).then(() => done = true);
  stop.abort();
  await Promise.resolve();
  assert.equal(done, false);
  gate.resolve();
  await running;
});

Deno.test("runTogether() takes a failure after the stop as leaving", async () => {
  const stop = new AbortController();
  const part: Part = {
    name: "sulky",
    run: (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(boom), { once: true });
      }),
  };
  const running = runTogether([part], stop.signal);
  stop.abort();
  await running;
});
