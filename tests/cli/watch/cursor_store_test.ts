import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cursorKey,
  type CursorName,
  CursorStore,
  MOST_CURSORS,
  UNUSED_MS,
} from "../../../src/cli/watch/cursor_store.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const name = (consumer: string, rest: Partial<CursorName> = {}) => ({
  membership: "m-1",
  consumer,
  channel: "watch?",
  ...rest,
});

function withStore(
  work: (store: CursorStore, clock: FakeClock, folder: string) => void,
) {
  const root = Deno.makeTempDirSync({ prefix: "plexd-cursors-" });
  try {
    const clock = new FakeClock();
    const folder = `${root}/state/plexd/watch`;
    work(new CursorStore(folder, clock), clock, folder);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

/** Parts that would run together in a key that is only joined. */
const part = fc.oneof(
  fc.constantFrom(
    "",
    ":",
    "a:b",
    "%3A",
    "%",
    "..",
    "/",
    "\0",
    "\n",
    "__proto__",
    "é",
    "💥",
    " ",
    "*",
  ),
  fc.string({ unit: "grapheme" }),
);

Deno.test("cursorKey() is another one for every other name", () => {
  const names = fc.record({ membership: part, consumer: part, channel: part });
  fc.assert(fc.property(names, names, (a, b) => {
    const same = a.membership === b.membership && a.consumer === b.consumer &&
      a.channel === b.channel;
    assert.equal(cursorKey(a) === cursorKey(b), same);
  }));
});

Deno.test("CursorStore keeps hostile names apart, in membership, consumer and channel", () =>
  withStore((store, clock, folder) => {
    const hostile = ["a", "a:b", "a%3Ab", "b", "..", "../a", "__proto__", "\0"];
    const names = hostile.flatMap((one) => [
      name(one),
      name("a", { membership: one }),
      name("a", { channel: one }),
    ]);
    const distinct = new Map(names.map((one) => [JSON.stringify(one), one]));
    let at = 0;
    for (const one of distinct.values()) store.save(one, `run.${at++}`);
    at = 0;
    const again = new CursorStore(folder, clock);
    for (const one of distinct.values()) {
      assert.equal(again.use(one), `run.${at++}`, JSON.stringify(one));
    }
    assert.deepEqual(
      [...Deno.readDirSync(folder)].map((file) => file.name).sort(),
      ["cursors.json", "lock"],
    );
  }));

Deno.test("CursorStore knows nothing of a consumer that is new, and keeps the others", () =>
  withStore((store) => {
    assert.equal(store.use(name("a")), undefined);
    store.save(name("a"), "run.1");
    store.save(name("a"), "run.2");
    assert.equal(store.use(name("b")), undefined);
    assert.equal(store.use(name("a")), "run.2");
  }));

Deno.test("CursorStore has room for 256 names, and the one longest unused gives way", () =>
  withStore((store, clock) => {
    for (let at = 0; at < MOST_CURSORS; at++) {
      clock.jump(1_000);
      store.save(name(`c${at}`), `run.${at}`);
    }
    clock.jump(1_000);
    assert.equal(store.use(name("c0")), "run.0", "used: no longer the oldest");
    clock.jump(1_000);
    store.save(name("one more"), "run.999");
    assert.equal(store.use(name("c1")), undefined);
    for (const [consumer, position] of [["c0", 0], ["c2", 2], ["c255", 255]]) {
      assert.equal(store.use(name(`${consumer}`)), `run.${position}`);
    }
  }));

Deno.test("CursorStore drops a name that was not used for 30 days", () =>
  withStore((store, clock) => {
    store.save(name("old"), "run.1");
    store.save(name("kept"), "run.2");
    clock.jump(UNUSED_MS);
    assert.equal(store.use(name("kept")), "run.2");
    clock.jump(1);
    assert.equal(store.use(name("old")), undefined);
    assert.equal(store.use(name("kept")), "run.2");
  }));

Deno.test("CursorStore begins anew when its file is damaged, and says so", () =>
  withStore((store, clock, folder) => {
    store.save(name("a"), "run.1");
    for (const text of ["", "{", "[]", '{"format":2,"cursors":{}}']) {
      Deno.writeTextFileSync(`${folder}/cursors.json`, text);
      const said: string[] = [];
      const again = new CursorStore(folder, clock, (what) => said.push(what));
      assert.equal(again.use(name("a")), undefined, text);
      assert.match(said[0]!, /cursors\.json/);
      again.save(name("a"), "run.2");
      assert.equal(again.use(name("a")), "run.2");
    }
  }));

Deno.test("CursorStore is for its user only", () =>
  withStore((store, _clock, folder) => {
    store.save(name("a"), "run.1");
    const mode = (path: string) => Deno.statSync(path).mode! & 0o777;
    assert.equal(mode(folder), 0o700);
    assert.equal(mode(`${folder}/cursors.json`), 0o600);
  }));
