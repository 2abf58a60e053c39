import assert from "node:assert/strict";
import {
  confirmRestored,
  onceConfirmed,
  unlessRestored,
} from "../../src/agent/restored.ts";
import type { Handler } from "../../src/sync/handler.ts";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { inFolder, openStore } from "../store/open_store.ts";

Deno.test("a restored node begins and does nothing that is asked until a pull has succeeded", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    const { restored } = store;
    restored.set();
    let handled = 0;
    const handler = unlessRestored(restored, {
      handle() {
        handled++;
        return Promise.resolve("applied");
      },
    });
    const event = {} as Parameters<Handler["handle"]>[0];
    await assert.rejects(handler.handle(event), RefusedEventError);

    const stop = new AbortController();
    const began = Promise.withResolvers<void>();
    const part = onceConfirmed(restored, {
      name: "key_rotation",
      run() {
        began.resolve();
        return Promise.resolve();
      },
    });
    const ended = part.run(stop.signal);
    assert.equal(handled, 0);

    confirmRestored(restored, new MemoryLog());
    assert.equal(restored.isPending, false);
    await began.promise;
    await ended;
    assert.equal(await handler.handle(event), "applied");
    assert.equal(handled, 1);
    await store.close();
  }));

Deno.test("a part that waits for the control plane ends when it is told to", async () => {
  const stop = new AbortController();
  const part = onceConfirmed({ confirmed: () => new Promise(() => {}) }, {
    name: "key_rotation",
    run: () => assert.fail("it began"),
  });
  const ended = part.run(stop.signal);
  stop.abort();
  await ended;
  await part.run(stop.signal);
});
