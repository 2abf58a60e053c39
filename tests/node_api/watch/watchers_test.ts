import assert from "node:assert/strict";
import {
  ChangeFeed,
  CHANGES_KEPT,
  MOST_AT_ONCE,
  type NotedChange,
} from "../../../src/node_api/watch/change_feed.ts";
import { parseWatchRequest } from "../../../src/node_api/watch/watch_filter.ts";
import { Watchers } from "../../../src/node_api/watch/watchers.ts";
import { WATCH_HEARTBEAT_MS } from "../../../src/wire/watch.ts";
import { FakeClock, settle } from "../../fakes/fake_clock.ts";
import { FakeRandom } from "../../fakes/fake_random.ts";
import { Reader } from "./reader.ts";

function setUp(most = 10, isRefused = () => false) {
  const clock = new FakeClock();
  const feed = new ChangeFeed(clock, new FakeRandom());
  const watchers = new Watchers({ feed, most, clock });
  const watch = (query = "", lastEventId = "") => {
    const headers = new Headers({ "last-event-id": lastEventId });
    const body = watchers.watch(
      parseWatchRequest(`http://a/${query}`, headers),
      isRefused,
    );
    return body && new Reader(body);
  };
  return { clock, feed, watchers, watch };
}

function change(
  key: string,
  kind: NotedChange["kind"] = "data",
): NotedChange {
  return { kind, key, version: 1, change: "added", origin: "control_plane" };
}

const keysOf = (events: readonly { data: { key: string } }[]) =>
  events.map(({ data }) => data.key);

Deno.test("a watcher is greeted with its position, and hears what comes", async () => {
  const { feed, watch } = setUp();
  feed.note([change("before")]);
  const reader = watch()!;
  assert.deepEqual(await reader.next(), {
    event: "hello",
    id: feed.positionOf(1),
    data: { position: feed.positionOf(1), resumed: false },
  });
  feed.note([change("a"), change("b")]);
  feed.note([change("c")]);
  const events = await reader.take(3);
  assert.deepEqual(keysOf(events), ["a", "b", "c"]);
  assert.deepEqual(
    events.map(({ id }) => id),
    [2, 3, 4].map((seq) => feed.positionOf(seq)),
  );
  await reader.cancel();
});

Deno.test("a watcher goes on where it has stopped, without a gap or a repetition", async () => {
  const { feed, watch } = setUp();
  const first = watch()!;
  feed.note([change("a"), change("b"), change("c")]);
  const [, a] = await first.take(2);
  await first.cancel();
  feed.note([change("d")]);
  const second = watch("", a!.id)!;
  const [hello, ...events] = await second.take(4);
  assert.deepEqual(hello!.data, { position: a!.id, resumed: true });
  assert.deepEqual(keysOf(events), ["b", "c", "d"]);
  await second.cancel();
});

Deno.test("a watcher may name its position in the query, and the field counts before it", async () => {
  const { feed, watch } = setUp();
  feed.note([change("a"), change("b")]);
  const query = `?last_event_id=${feed.positionOf(0)}`;
  const reader = watch(query)!;
  assert.deepEqual(keysOf((await reader.take(3)).slice(1)), ["a", "b"]);
  const back = watch(query, feed.positionOf(1))!;
  assert.deepEqual(keysOf((await back.take(2)).slice(1)), ["b"]);
  await reader.cancel();
  await back.cancel();
});

Deno.test("a watcher of another run is told to start over, and then hears what comes", async () => {
  const { feed, watch } = setUp();
  feed.note([change("a")]);
  const reader = watch("", "00000000000000ff.1")!;
  assert.deepEqual(await reader.next(), {
    event: "reset",
    id: feed.positionOf(1),
    data: { reason: "restarted", position: feed.positionOf(1) },
  });
  feed.note([change("b")]);
  assert.deepEqual(keysOf([(await reader.next())!]), ["b"]);
  await reader.cancel();
});

Deno.test("filters choose kinds and keys, and each kind may be one of a list", async () => {
  const { feed, watch } = setUp();
  const readers = [
    watch("?kind=data,secrets")!,
    watch("?kind=report&kind=status")!,
    watch("?key=a")!,
    watch("?key=a&key=%C3%A9%2C&kind=data")!,
  ];
  const all = watch()!;
  feed.note([
    change("a", "data"),
    change("a", "report"),
    change("é,", "data"),
    change("b", "secrets"),
    change("b", "status"),
  ]);
  const wanted = [["a", "é,", "b"], ["a", "b"], ["a", "a"], ["a", "é,"]];
  for (const [at, reader] of readers.entries()) {
    const [, ...events] = await reader.take(1 + wanted[at]!.length);
    assert.deepEqual(keysOf(events), wanted[at]);
    await reader.cancel();
  }
  assert.equal((await all.take(6)).length, 6);
  await all.cancel();
});

Deno.test("a heartbeat brings a reader on whose filter lets nothing through", async () => {
  const { clock, feed, watch } = setUp();
  const reader = watch("?key=rare")!;
  const [hello] = await reader.take(1);
  const reading = reader.chunk();
  feed.note([change("a"), change("b")]);
  await clock.advance(WATCH_HEARTBEAT_MS);
  await reading;
  assert.equal(hello!.id, feed.positionOf(0));
  // Browsers and the parser take an id that comes without data, too.
  assert.equal(reader.lastEventId, feed.positionOf(2));
  await reader.cancel();
});

Deno.test("a reader that takes nothing is dropped with the reason, and the others get everything", async () => {
  const { clock, feed, watchers, watch } = setUp();
  const slow = watch()!;
  const fast = watch()!;
  await slow.take(1);
  await fast.take(1);
  const heard: string[] = [];
  const reading = (async () => {
    for (;;) {
      const event = await fast.next();
      if (!event) return;
      if (event.event === "change") heard.push(event.data.key);
    }
  })();
  // The first is on its way to the slow one, which never takes it.
  for (const key of ["a", "b", "c"]) {
    feed.note([change(key)]);
    await settle();
  }
  await clock.advance(2 * WATCH_HEARTBEAT_MS);
  assert.deepEqual(heard, ["a", "b", "c"]);
  assert.deepEqual(watchers.status, { open: 1, dropped: 1, refused: 0 });
  const rest = await slow.rest();
  assert.deepEqual(rest.at(-1), {
    event: "end",
    id: rest.at(-2)?.id ?? feed.positionOf(0),
    data: { reason: "slow_reader" },
  });
  watchers.close();
  await reading;
});

Deno.test("a reader is dropped that more has passed by than is remembered", async () => {
  const { feed, watchers, watch } = setUp();
  const reader = watch()!;
  await reader.take(1);
  await settle();
  for (let at = 0; at <= CHANGES_KEPT; at++) feed.note([change(`k${at}`)]);
  // All in one go: the reader had no chance to ask for any.
  assert.deepEqual((await reader.rest()).map(({ data }) => data), [
    { reason: "slow_reader" },
  ]);
  assert.equal(watchers.status.dropped, 1);
});

Deno.test("an open watcher is told to start over when too much has changed at once", async () => {
  const { feed, watch } = setUp();
  const reader = watch()!;
  await reader.take(1);
  feed.note(
    Array.from({ length: MOST_AT_ONCE + 1 }, (_, at) => change(`k${at}`)),
  );
  feed.note([change("after")]);
  const [reset, after] = await reader.take(2);
  assert.equal(reset!.event, "reset");
  assert.equal(reset!.data.reason, "too_many_changes");
  assert.deepEqual(keysOf([after!]), ["after"]);
  await reader.cancel();
});

Deno.test("many changes at once come in frames of a bounded size, complete and in order", async () => {
  const { feed, watch } = setUp();
  const readers = [watch()!, watch()!, watch("?kind=data")!];
  const keys = Array.from({ length: MOST_AT_ONCE }, (_, at) => `key-${at}`);
  for (const reader of readers) await reader.take(1);
  feed.note(keys.map((key) => change(key)));
  for (const reader of readers) {
    assert.deepEqual(keysOf(await reader.take(MOST_AT_ONCE)), keys);
    await reader.cancel();
  }
});

Deno.test("more watchers than are allowed are refused, until one leaves", async () => {
  const { watchers, watch } = setUp(2);
  const [one, two] = [watch()!, watch()!];
  assert.equal(watch(), undefined);
  assert.deepEqual(watchers.status, { open: 2, dropped: 0, refused: 1 });
  await one.cancel();
  assert.deepEqual(watchers.status, { open: 1, dropped: 0, refused: 1 });
  const three = watch()!;
  await three.cancel();
  await two.cancel();
});

Deno.test("nothing is left of watchers that have gone", async () => {
  const { clock, watchers, watch } = setUp();
  const [one, two] = [watch()!, watch()!];
  await one.take(1);
  await one.cancel();
  await two.cancel();
  assert.deepEqual(watchers.status, { open: 0, dropped: 0, refused: 0 });
  await settle();
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("closing ends every stream with its reason, and opens no more", async () => {
  const { clock, feed, watchers, watch } = setUp();
  const reader = watch()!;
  feed.note([change("a")]);
  await reader.take(2);
  watchers.close();
  assert.deepEqual(
    (await reader.rest()).map(({ event, data }) => [event, data.reason]),
    [["end", "stopping"]],
  );
  assert.equal(watch(), undefined);
  await settle();
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("many watchers hear everything that comes while others are being told", async () => {
  const { feed, watchers, watch } = setUp(1_000);
  const readers = Array.from({ length: 1_000 }, () => watch()!);
  for (const reader of readers) await reader.take(1);
  const reads = readers.map((reader) => reader.take(4));
  for (const key of ["a", "b", "c", "d"]) {
    feed.note([change(key)]);
    await settle(2);
  }
  for (const read of reads) {
    assert.deepEqual(keysOf(await read), ["a", "b", "c", "d"]);
  }
  watchers.close();
});
