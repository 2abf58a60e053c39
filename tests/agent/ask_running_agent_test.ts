import assert from "node:assert/strict";
import {
  askRunningAgent,
  NoAnswerError,
} from "../../src/agent/ask_running_agent.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { failureFrom } from "../uplink/serve.ts";

function asking(dataDir: string, stop = new AbortController().signal) {
  const clock = new FakeClock();
  const asked = askRunningAgent({
    config: { data_dir: dataDir, cluster: "default" },
    timeoutMs: 5_000,
    io: { clock, random: new FakeRandom(), log: new MemoryLog() },
    stop,
  }, { kind: "deregister", force: false });
  return { clock, asked };
}

Deno.test("the command gets the answer and leaves nothing behind", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    const { clock, asked } = asking(dataDir);
    await clock.advance(1_000);
    const { id } = (await store.requests.read())!;
    store.requests.answer(id, { outcome: "done", message: "" });
    await clock.advance(100);
    assert.equal((await asked).outcome, "done");
    assert.equal(await store.requests.read(), undefined);
    assert.deepEqual(clock.sleeping, []);
  });
});

Deno.test("nobody who answers, or an agent that starts again, ends the wait with words", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    const late = asking(dataDir);
    const failure = failureFrom(late.asked);
    await late.clock.advance(5_000);
    assert.ok(await failure instanceof NoAnswerError);
    assert.equal(await store.requests.read(), undefined);

    const gone = asking(dataDir);
    const restart = failureFrom(gone.asked);
    await gone.clock.advance(100);
    store.requests.clear();
    await gone.clock.advance(100);
    assert.match(String(await restart), /restarted/);
  });
});

Deno.test("a command that is stopped takes its request back", async () => {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    await using _ = store;
    const stop = new AbortController();
    const { clock, asked } = asking(dataDir, stop.signal);
    const failure = failureFrom(asked);
    await clock.advance(100);
    stop.abort(new Error("stopped"));
    assert.match(String(await failure), /stopped/);
    assert.equal(await store.requests.read(), undefined);
  });
});
