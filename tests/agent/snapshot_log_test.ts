import assert from "node:assert/strict";
import { SnapshotLog } from "../../src/agent/snapshot_log.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

function snapshots(secrets: readonly string[] = []) {
  const log = new MemoryLog();
  let ask = () => {};
  const snapshot = new SnapshotLog({
    port: {
      onRequest(listener) {
        ask = listener;
        return () => ask = () => {};
      },
    },
    secrets: () => secrets,
    log,
  });
  return {
    snapshot,
    log,
    /** Asks. @returns what is logged. */
    ask() {
      ask();
      return log.lines.pop();
    },
  };
}

Deno.test("SnapshotLog tells which parts have not ended yet", async () => {
  const { snapshot, ask } = snapshots();
  const [held, stop] = [Promise.withResolvers<void>(), new AbortController()];
  const parts = snapshot.watch([
    { name: "slow", run: () => held.promise },
    { name: "quick", run: () => Promise.resolve() },
  ], () => ({ node_id: "n-1" }) as StatusDocument);
  const running = Promise.all(parts.map((part) => part.run(stop.signal)));
  await Promise.resolve();
  assert.deepEqual(ask()?.fields["open_parts"], ["slow"]);
  held.resolve();
  await running;
  assert.deepEqual(ask()?.fields["open_parts"], []);
});

Deno.test("SnapshotLog tells what is on its list alone, and no secret", () => {
  const { snapshot, log, ask } = snapshots(["canary-77"]);
  const status = {
    node_id: "n-1",
    pull: { last_error: "refused: canary-77 and nsk_plexd_abcdefgh" },
    added_later: "whatever it holds",
  };
  snapshot.watch([], () => status as unknown as StatusDocument);
  const line = ask();
  assert.equal(line?.level, "warn");
  const text = JSON.stringify(line);
  assert.match(text, /n-1/);
  assert.match(text, /open_descriptors/);
  assert.doesNotMatch(text, /canary-77|abcdefgh|added_later|whatever/);
  assert.deepEqual(log.lines, []);
});

Deno.test("SnapshotLog has something to tell before there is a node, and nothing after", () => {
  const { snapshot, ask } = snapshots();
  assert.deepEqual(ask()?.fields["open_parts"], []);
  snapshot[Symbol.dispose]();
  assert.equal(ask(), undefined);
});
