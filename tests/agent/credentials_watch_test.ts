import assert from "node:assert/strict";
import { CredentialsWatch } from "../../src/agent/credentials_watch.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { IDENTITY } from "../store/full_store.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { until } from "../uplink/serve.ts";

Deno.test("a folder of credentials that cannot be read is a reason that passes, and ends nothing", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const folder = `${store.paths.root}/identity`;
    await store.identity.save(IDENTITY);
    const clock = new FakeClock();
    const log = new MemoryLog();
    const degraded = new Degraded(clock, log);
    const reasons = () => degraded.list().map(({ reason }) => reason);
    const watch = new CredentialsWatch({
      store,
      degraded,
      port: { onRequest: () => () => {} },
      io: { clock, random: new FakeRandom(), log },
    });
    await watch.enrolled();
    const { inUse } = watch;
    const stop = new AbortController();
    const done = watch.during(
      (end) =>
        new Promise((resolve) =>
          end.addEventListener("abort", () => resolve(false))
        ),
      stop.signal,
    );
    try {
      Deno.renameSync(folder, `${folder}.away`);
      Deno.writeTextFileSync(folder, "no folder");
      await clock.advance(5_000);
      await until("it is told", () => reasons().length > 0);
      assert.deepEqual(reasons(), ["credentials_invalid"]);

      Deno.removeSync(folder);
      Deno.renameSync(`${folder}.away`, folder);
      await clock.advance(5_000);
      await until("it is over", () => reasons().length === 0);
      assert.equal(watch.inUse, inUse);
    } finally {
      stop.abort();
      assert.equal(await done, false);
      await store.close();
    }
  }));
