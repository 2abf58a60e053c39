import assert from "node:assert/strict";
import {
  type ClientClock,
  PlexdClient,
  type WatchEvent,
  type WatchNews,
} from "../../src/client/mod.ts";

/** One stream of a scripted agent: its status, and its text. */
interface Scripted {
  readonly status?: number;
  readonly text: string;
  /** Stays open after it. */
  readonly hangs?: boolean;
}

/** Serves these streams, one for each request. */
async function scripted(streams: readonly Scripted[]) {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/api.sock`;
  const positions: (string | null)[] = [];
  const asked: string[] = [];
  const left = [...streams];
  const stop = new AbortController();
  const server = Deno.serve(
    { path, signal: stop.signal, onListen() {} },
    ({ url, headers }) => {
      asked.push(url.slice(url.indexOf("/v1/")));
      positions.push(headers.get("last-event-id"));
      const { status = 200, text, hangs } = left.shift() ??
        { text: "", hangs: true };
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(text));
          if (!hangs) controller.close();
        },
      });
      return new Response(body, { status, headers: { "retry-after": "2" } });
    },
  );
  return {
    path,
    positions,
    asked,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function hello(position: string, resumed: boolean): string {
  return `event: hello\nid: ${position}\ndata: ${
    JSON.stringify({ position, resumed })
  }\n\n`;
}

function change(position: string, key: string): string {
  const data = JSON.stringify({
    kind: "data",
    key,
    version: 2,
    change: "changed",
    origin: "local",
    at: "2026-03-01T12:00:00.000Z",
  });
  return `event: change\nid: ${position}\ndata: ${data}\n\n`;
}

/** Pauses are over at once, and nobody falls silent unless told. */
class WatchClock implements ClientClock {
  readonly pauses: number[] = [];
  #silences = 0;

  /** @param silent Which wait for a silent agent is over at once, from 1. */
  constructor(readonly silent?: number) {}

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms < 45_000) {
      this.pauses.push(ms);
      return Promise.resolve();
    }
    if (++this.#silences === this.silent) return Promise.resolve();
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }
}

/** Reads until `count` events have come. */
async function read(
  path: string,
  count: number,
  { position, clock = new WatchClock() }: {
    readonly position?: string;
    readonly clock?: WatchClock;
  } = {},
): Promise<WatchEvent[]> {
  const client = new PlexdClient(path, { clock });
  const seen: WatchEvent[] = [];
  const options = position === undefined ? {} : { position };
  for await (const event of client.watch(options)) {
    seen.push(event);
    if (seen.length === count) break;
  }
  return seen;
}

Deno.test("a watch that broke off goes on after the last event", async () => {
  await using agent = await scripted([
    {
      text: hello("r.1", false) + change("r.2", "a") +
        ":heartbeat\nid: r.7\n\n",
    },
    { text: hello("r.7", true) + change("r.8", "b") },
  ]);
  const seen = await read(agent.path, 3);
  assert.deepEqual(
    seen.map((event) => [event.type, event.position]),
    [["hello", "r.1"], ["change", "r.2"], ["change", "r.8"]],
  );
  assert.deepEqual(agent.positions, [null, "r.7"]);
});

Deno.test("a watch that brings no JSON is told as lost, and goes on", async () => {
  await using agent = await scripted([
    { text: `${hello("r.1", false)}event: change\nid: r.2\ndata: {"kind\n\n` },
    { text: `event: end\ndata: {"reason\n\n` },
    { text: change("r.3", "b") },
  ]);
  const lost: string[] = [];
  const seen: string[] = [];
  const client = new PlexdClient(agent.path, { clock: new WatchClock() });
  const onNews = (news: WatchNews) => {
    if (news.type === "lost") lost.push(news.reason);
  };
  for await (const { type } of client.watch({ onNews })) {
    if (seen.push(type) === 2) break;
  }
  assert.deepEqual(seen, ["hello", "change"]);
  const reason = `${agent.path} answered with something else than JSON`;
  assert.deepEqual(lost, [reason, reason]);
});

Deno.test("a watch begins where its reader has stopped, and tells what is lost", async () => {
  const data = JSON.stringify({ reason: "restarted", position: "s.0" });
  await using agent = await scripted([
    { text: `event: reset\nid: s.0\ndata: ${data}\n\n` },
  ]);
  const seen = await read(agent.path, 1, { position: "r.9" });
  assert.deepEqual(seen, [
    { type: "reset", reason: "restarted", position: "s.0" },
  ]);
  assert.deepEqual(agent.positions, ["r.9"]);
});

Deno.test("a watch tries again when the agent has no room for it", async () => {
  await using agent = await scripted([
    { text: hello("r.1", false) },
    { status: 503, text: '{"error":"too many watchers"}' },
    { text: hello("r.1", true) + change("r.2", "a") },
  ]);
  const clock = new WatchClock();
  const seen = await read(agent.path, 2, { clock });
  assert.equal(seen[1]?.position, "r.2");
  assert.deepEqual(clock.pauses, [250, 2_000]);
});

Deno.test("a watch takes a stream that is silent for lost", async () => {
  await using agent = await scripted([
    { text: hello("r.1", false), hangs: true },
    { text: change("r.2", "a") },
  ]);
  // The first one begins with the request, the second after the first bytes.
  const clock = new WatchClock(2);
  const seen = await read(agent.path, 2, { clock });
  assert.deepEqual(agent.positions, [null, "r.1"]);
  assert.equal(seen[1]?.position, "r.2");
});

for (const status of [400, 401, 403, 503]) {
  Deno.test(`a watch whose first answer is ${status} fails with it`, async () => {
    await using agent = await scripted([{ status, text: '{"error":"no"}' }]);
    const watching = new PlexdClient(agent.path).watch({ keys: ["a b"] });
    await assert.rejects(watching.next(), {
      name: "ApiError",
      status,
      error: "no",
      retryAfterMs: 2_000,
    });
    assert.deepEqual(agent.asked, ["/v1/watch?key=a+b"]);
  });
}

Deno.test("a watch fails at once where nobody listens", async () => {
  await assert.rejects(new PlexdClient("/nowhere/api.sock").watch().next(), {
    name: "LocalCallError",
    kind: "not_running",
  });
});

Deno.test("a watch tells how its connection is, and how far it has come", async () => {
  await using agent = await scripted([
    {
      text: hello("r.1", false) + change("r.2", "a") +
        ":heartbeat\nid: r.7\n\n" +
        'event: end\ndata: {"reason":"slow_reader"}\n\n',
    },
    { text: hello("r.7", true) + change("r.8", "b"), hangs: true },
  ]);
  const told: unknown[] = [];
  const client = new PlexdClient(agent.path, { clock: new WatchClock() });
  const onNews = (news: WatchNews) => void told.push(news);
  for await (const event of client.watch({ onNews })) {
    told.push(event.position);
    if (event.position === "r.8") break;
  }
  assert.deepEqual(told, [
    { type: "opened", position: "r.1", resumed: false },
    "r.1",
    { type: "moved", position: "r.1" },
    "r.2",
    { type: "moved", position: "r.2" },
    { type: "moved", position: "r.7" },
    { type: "moved", position: "r.7" },
    { type: "lost", reason: "slow_reader" },
    { type: "opened", position: "r.7", resumed: true },
    { type: "moved", position: "r.7" },
    // What breaks off while it is dealt with was not dealt with.
    "r.8",
  ]);
});
