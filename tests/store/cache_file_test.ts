import assert from "node:assert/strict";
import * as z from "zod/mini";
import { CacheFile, type CacheForm } from "../../src/store/cache_file.ts";
import { membershipPaths } from "../../src/store/folders.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { withSum } from "../../src/store/summed_json.ts";
import { checkShape } from "../../src/wire/shape_error.ts";
import { CrashDisk } from "./crash_disk.ts";
import { storeContext } from "./store_context.ts";
import { inFolder } from "./open_store.ts";

interface Hint {
  readonly name: string;
  readonly weight: number;
}

const newest = z.array(z.object({ name: z.string(), weight: z.number() }));
const oldest = z.array(z.string());

const FORM: CacheForm<Hint> = {
  file: "peers/hints.json",
  what: "hints",
  formats: [
    (entries) =>
      checkShape("hints", oldest, entries).map((name) => ({ name, weight: 1 })),
    (entries) => checkShape("hints", newest, entries),
  ],
  members: ({ name, weight }) => ({ name, weight }),
  maxEntries: 3,
  maxBytes: 200,
};

const hint = (name: string): Hint => ({ name, weight: 2 });
const pathIn = (dir: string) =>
  `${membershipPaths(dir, "default").root}/${FORM.file}`;

Deno.test("a cache that was never written is empty, and no file", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const cache = CacheFile.open(opened.context, FORM);
    assert.deepEqual(cache.entries, []);
    await cache.save([]);
    assert.throws(() => Deno.statSync(pathIn(dir)), Deno.errors.NotFound);
  }));

Deno.test("a cache lasts across a restart, and is written only when it differs", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    {
      using opened = storeContext(dir, disk);
      const cache = CacheFile.open(opened.context, FORM);
      assert.equal(await cache.save([hint("a"), hint("b")]), 2);
      const written = disk.steps.length;
      await cache.save([hint("a"), hint("b")]);
      assert.equal(disk.steps.length, written);
    }
    using opened = storeContext(dir, disk);
    const cache = CacheFile.open(opened.context, FORM);
    assert.deepEqual(cache.entries, [hint("a"), hint("b")]);
    const before = disk.steps.length;
    await cache.save([hint("a"), hint("b")]);
    assert.equal(disk.steps.length, before);
    await cache.save([]);
    assert.ok(disk.steps.length > before);
    assert.deepEqual(opened.recovered, []);
  }));

Deno.test("what exceeds the bounds is left out from the end", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const cache = CacheFile.open(opened.context, FORM);
    assert.equal(await cache.save(["a", "b", "c", "d"].map(hint)), 3);
    const long = hint("x".repeat(150));
    assert.equal(await cache.save([hint("a"), long, hint("b")]), 2);
    assert.equal(await cache.save([hint("x".repeat(300))]), 0);
    assert.ok(Deno.statSync(pathIn(dir)).size < 400);
  }));

Deno.test("the file of an older version is taken over, and written anew", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const old = withSum(JSON.stringify({ format: 1, entries: ["a"] }));
    Deno.writeFileSync(pathIn(dir), old.bytes);
    const cache = CacheFile.open(opened.context, FORM);
    assert.deepEqual(cache.entries, [{ name: "a", weight: 1 }]);
    await cache.save(cache.entries);
    const file = JSON.parse(Deno.readTextFileSync(pathIn(dir)));
    assert.equal(file.format, 2);
    assert.deepEqual(opened.recovered, []);
  }));

const damages:
  readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[] = [
    ["nothing in it", ""],
    ["no sum", '{"format":2,"entries":[]}'],
    ["a newer format", withSum('{"format":3,"entries":[]}').bytes],
    ["other entries", withSum('{"format":2,"entries":["a"]}').bytes],
  ];
for (const [what, content] of damages) {
  Deno.test(`a cache with ${what} is set aside, told, and begun anew`, () =>
    inFolder(async (dir) => {
      using opened = storeContext(dir);
      Deno.writeFileSync(
        pathIn(dir),
        typeof content === "string"
          ? new TextEncoder().encode(content)
          : content,
      );
      const cache = CacheFile.open(opened.context, FORM);
      assert.deepEqual(cache.entries, []);
      assert.deepEqual(opened.recovered.map(({ file }) => file), [FORM.file]);
      assert.match(opened.recovered[0]!.action, /kept as .*; it is rebuilt/);
      await cache.save([hint("a")]);
      const again = CacheFile.open(opened.context, FORM);
      assert.deepEqual(again.entries, [hint("a")]);
    }));
}

Deno.test("a write that fails is told, and tried again by the next one", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    using opened = storeContext(dir, disk);
    const cache = CacheFile.open(opened.context, FORM);
    Deno.removeSync(pathIn(dir).replace("/hints.json", ""));
    await assert.rejects(() => cache.save([hint("a")]), StoreWriteError);
    assert.deepEqual(cache.entries, []);
    Deno.mkdirSync(pathIn(dir).replace("/hints.json", ""));
    await cache.save([hint("a")]);
    assert.deepEqual(CacheFile.open(opened.context, FORM).entries, [hint("a")]);
  }));
