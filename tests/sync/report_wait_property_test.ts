import assert from "node:assert/strict";
import fc from "fast-check";
import type { ControlFailure } from "../../src/uplink/control_error.ts";
import type { ReportSyncState } from "../../src/wire/report_sync.ts";
import { inFolder } from "../store/open_store.ts";
import { failure, type Running, whileSyncing } from "./syncing.ts";

/** What happens, one after the other. */
type Step =
  | {
    readonly do: "put" | "delete";
    readonly key: string;
    readonly waits: boolean;
  }
  | { readonly do: "pass"; readonly ms: number }
  | {
    readonly do: "fail";
    readonly as: "unreachable" | "server" | "bad_request" | "lost";
  }
  | { readonly do: "contact" };

const key = fc.constantFrom("a", "b", "c");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      key,
      waits: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("delete" as const),
      key,
      waits: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(0, 100, 5_000, 60_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      as: fc.constantFrom(
        "unreachable" as const,
        "server" as const,
        "bad_request" as const,
        "lost" as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("contact" as const) }) },
);

/** A wait, the write it is for, and how it ended. */
interface Waiting {
  readonly key: string;
  readonly write: number;
  state?: ReportSyncState;
  /** Whether the control plane knew when it ended. */
  known?: boolean;
}

async function play(
  { store, syncer, uplink, pass }: Running,
  steps: readonly Step[],
) {
  /** Number of the latest write of a key, here and as the control plane has it. */
  const here = new Map<string, number>();
  const there = new Map<string, number>();
  const waits: Waiting[] = [];
  const failures: (ControlFailure | "lost")[] = [];
  let writes = 0;
  uplink.rule = (changes) => {
    const failed = failures.shift();
    if (failed && failed !== "lost") return failure(failed);
    for (const entry of changes.entries) {
      there.set(entry.key, Number(entry.payload));
    }
    // Gone here, and not written since.
    for (const gone of changes.deleted) there.set(gone, here.get(gone)!);
    // The answer does not arrive, though all else has.
    return failed && failure("timeout");
  };
  const wait = async (
    one: Waiting,
    entry: Parameters<typeof syncer.wait>[1],
  ) => {
    one.state = await syncer.wait(one.key, entry, new AbortController().signal);
    // What came and went unheard of is as unknown there as it is here.
    one.known = (there.get(one.key) ?? 0) >= one.write ||
      (!store.reports.get(one.key) && !there.has(one.key)) ||
      (!store.reports.get(one.key) && there.get(one.key) === here.get(one.key));
  };
  for (const one of steps) {
    if (one.do === "pass") await pass(one.ms);
    else if (one.do === "fail") failures.push(one.as);
    else if (one.do === "contact") syncer.onContact();
    else if (one.do === "delete" && !store.reports.get(one.key)) {
      // Nothing is written, so there is nothing to wait for.
      assert.equal(await store.reports.delete(one.key), false);
    } else {
      const write = ++writes;
      const waiting = { key: one.key, write };
      const content = { contentType: "a/b", payload: String(write) };
      here.set(one.key, write);
      const entry = one.do === "put"
        ? await store.reports.put(one.key, content)
        : undefined;
      if (one.do === "delete") await store.reports.delete(one.key);
      if (!one.waits) continue;
      waits.push(waiting);
      void wait(waiting, entry);
    }
  }
  failures.length = 0;
  // Longer than any pause.
  for (let round = 0; round < 4; round++) await pass(120_000);
  const isRefused = steps.some((one) =>
    one.do === "fail" && one.as === "bad_request"
  );
  if (!isRefused) {
    assert.equal(syncer.pending, 0);
    // What came and went unheard of is in neither.
    for (const [key, write] of there) assert.equal(write, here.get(key), key);
  }
  return waits;
}

Deno.test("whatever happens, a wait ends, and synced only when the control plane knows", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await inFolder((dir) =>
        whileSyncing(dir, async (running) => {
          for (const { state, known, key } of await play(running, steps)) {
            assert.ok(state, `the wait for ${key} never ends`);
            assert.notEqual(state, "local_only");
            if (state === "synced") assert.ok(known, `${key} is not there`);
          }
        })
      );
    }),
    { numRuns: 40 },
  ));
