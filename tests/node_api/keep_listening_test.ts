import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Listener, Place } from "../../src/node_api/listener.ts";
import {
  keepListening,
  REOPEN_MS,
  SHED_MS,
} from "../../src/node_api/supervised.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { call, dial } from "./raw_http.ts";

/** A listener that fails when it is told to. */
class FakeListener implements Listener {
  readonly #end = Promise.withResolvers<void>();
  readonly finished = this.#end.promise;
  closed = false;
  where: Place = "kept";

  place(): Place {
    return this.where;
  }

  fail(message = "It has broken"): void {
    this.#end.reject(new Error(message));
  }

  isListening(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

Deno.test("keepListening() closes a failed listener and opens another until that works", async () => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const stop = new AbortController();
  const [first, second] = [new FakeListener(), new FakeListener()];
  let attempts = 0;
  const open = () =>
    ++attempts < 3
      ? Promise.reject(new Error("Still too many"))
      : Promise.resolve(second);
  const reopened: string[] = [];
  const options = {
    name: "api.sock",
    open,
    reopened: (name: string) => void reopened.push(name),
    clock,
    log,
  };
  const kept = keepListening(first, options, stop.signal);
  await settle();
  assert.deepEqual([attempts, first.closed], [0, false]);
  first.fail();
  await settle();
  assert.deepEqual([attempts, first.closed], [0, true]);
  assert.deepEqual(clock.sleeping, [REOPEN_MS]);
  await clock.advance(2 * REOPEN_MS);
  assert.equal(attempts, 2);
  assert.deepEqual(reopened, []);
  await clock.advance(REOPEN_MS);
  assert.equal(attempts, 3);
  assert.deepEqual(clock.sleeping, []);
  assert.equal(reopened.length, 1);
  stop.abort();
  assert.equal(await kept, second);
  assert.equal(second.closed, false);
  assert.deepEqual(log.lines.map((line) => line.message), [
    "Listener failed, it will be opened again",
    "Listener not opened again",
    "Listener not opened again",
    "Listener opened again",
  ]);
});

Deno.test("keepListening() does not wait long for what a listener still has to close", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const first = new FakeListener();
  const second = new FakeListener();
  const closed = Promise.withResolvers<void>();
  first.close = () => closed.promise;
  const kept = keepListening(first, {
    name: "api.sock",
    open: () => Promise.resolve(second),
    clock,
    log: new MemoryLog(),
  }, stop.signal);
  first.fail("Too many open files (os error 24)");
  await clock.advance(100 + SHED_MS);
  stop.abort();
  await settle();
  let left: unknown;
  const noted = kept.then((listener) => left = listener);
  await settle();
  // It is not left behind either.
  assert.equal(left, undefined);
  closed.resolve();
  await noted;
  assert.equal(left, second);
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("keepListening() tells of shortages ever more rarely", async () => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const stop = new AbortController();
  let current = new FakeListener();
  const reopened: string[] = [];
  const kept = keepListening(current, {
    name: "api.sock",
    open: () => Promise.resolve(current = new FakeListener()),
    reopened: (name) => void reopened.push(name),
    clock,
    log,
  }, stop.signal);
  for (let shortage = 0; shortage < 100; shortage++) {
    current.fail("Too many open files (os error 24)");
    await clock.advance(SHED_MS);
  }
  assert.equal(log.lines.length, 14);
  assert.equal(reopened.length, 7);
  stop.abort();
  await kept;
});

Deno.test("keepListening() ends without a listener when it is stopped between two", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const first = new FakeListener();
  const kept = keepListening(first, {
    name: "api.sock",
    open: () => Promise.reject(new Error("not reached")),
    clock,
    log: new MemoryLog(),
  }, stop.signal);
  first.fail();
  await settle();
  stop.abort();
  assert.equal(await kept, undefined);
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("NodeApi answers again while others hold all descriptors of its process", async () => {
  const folder = await Deno.makeTempDir({ prefix: "plexd-fds-" });
  const socket = `${folder}/api.sock`;
  const script = fileURLToPath(new URL("./served_process.ts", import.meta.url));
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      'ulimit -n 100; exec "$0" run -A --no-prompt "$1" "$2"',
      Deno.execPath(),
      script,
      socket,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const connections: Deno.Conn[] = [];
  try {
    const seen = async (text: string) => {
      for (let all = ""; !all.includes(text);) {
        const { done, value } = await output.read();
        if (done) throw new Error(`The process ended without "${text}"`);
        all += value;
      }
    };
    await seen("ready");
    assert.equal((await call(socket, "/v1/state")).status, 200);
    for (let open = 0; open < 120; open++) {
      const connection = await dial(socket).catch(() => undefined);
      if (!connection) break;
      connections.push(connection);
    }
    // They are held all the while: nobody may have to wait for them to go.
    await seen("Listener failed, it will be opened again");
    await seen("Listener opened again");
    assert.equal((await call(socket, "/v1/state")).status, 200);
  } finally {
    for (const connection of connections) connection.close();
    await child.stdin.close();
    assert.equal((await child.status).code, 0);
    await output.cancel();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("keepListening() gives a listener up at its fifth failure within a minute", async () => {
  const clock = new FakeClock();
  const opened: FakeListener[] = [new FakeListener()];
  const options = {
    name: "api.sock",
    open: () => {
      opened.push(new FakeListener());
      return Promise.resolve(opened.at(-1)!);
    },
    clock,
    log: new MemoryLog(),
  };
  const kept = keepListening(
    opened[0]!,
    options,
    new AbortController().signal,
  );
  const failAfter = async (ms: number) => {
    await clock.advance(ms);
    opened.at(-1)!.fail();
    await settle();
  };
  for (const ms of [1_000, 1_000, 1_000, 1_000]) await failAfter(ms);
  // The first four are forgotten by then.
  for (const ms of [60_000, 1_000, 1_000, 1_000]) await failAfter(ms);
  assert.equal(opened.length, 8);
  await clock.advance(REOPEN_MS);
  opened.at(-1)!.fail();
  await assert.rejects(kept, {
    name: "ListenError",
    message: "The listener api.sock has failed 5 times within a minute",
  });
  assert.ok(opened.every(({ closed }) => closed));
});

Deno.test("keepListening() goes on for as long as descriptors are short", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  let current = new FakeListener();
  const options = {
    name: "api.sock",
    open: () => Promise.resolve(current = new FakeListener()),
    clock,
    log: new MemoryLog(),
  };
  const kept = keepListening(current, options, stop.signal);
  for (let failure = 0; failure < 100; failure++) {
    current.fail("Too many open files (os error 24)");
    await clock.advance(REOPEN_MS);
  }
  stop.abort();
  assert.equal(await kept, current);
});
