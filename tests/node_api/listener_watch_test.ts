import assert from "node:assert/strict";
import { OpenListeners } from "../../src/node_api/health/open_listeners.ts";
import type { Listener, Place } from "../../src/node_api/listener.ts";
import { LOOK_MS, watchListeners } from "../../src/node_api/listener_watch.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** A listener that can fall silent without ending. */
class SilentListener implements Listener {
  readonly finished = new Promise<void>(() => {});
  hears = true;

  place(): Place {
    return "kept";
  }

  isListening(): Promise<boolean> {
    return Promise.resolve(this.hears);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test("a listener that nobody listens on any more is given up, though it has not ended", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const listeners = new OpenListeners();
  const silent = new SilentListener();
  const open = listeners.followed("api.sock", () => Promise.resolve(silent));
  const { finished } = await open();
  let error: unknown;
  finished.catch((reason: unknown) => error = reason);
  const watching = watchListeners({
    listeners,
    descriptors: () => Promise.resolve({ open: 1, limit: 100 }),
    clock,
    log: new MemoryLog(),
  }, stop.signal);
  await clock.advance(10 * LOOK_MS);
  assert.equal(error, undefined);
  silent.hears = false;
  await clock.advance(LOOK_MS);
  assert.match(String(error), /ShortageError: Nobody listens at its socket/);
  assert.deepEqual(listeners.closed, ["api.sock"]);
  // Whoever has brought this about is watched more closely for a while.
  await settle();
  assert.deepEqual(clock.sleeping, [50]);
  await clock.advance(5_000);
  assert.deepEqual(clock.sleeping, [LOOK_MS]);
  stop.abort();
  await watching;
});
