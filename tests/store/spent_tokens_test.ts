import assert from "node:assert/strict";
import { SPENT_TOKENS_FILE } from "../../src/store/spent_tokens.ts";
import { inFolder, openStore } from "./open_store.ts";

Deno.test("SpentTokens knows after a restart what was spent, and keeps no token", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    assert.equal(store.spentTokens.has("plx_one"), false);
    store.spentTokens.add("plx_one");
    store.spentTokens.add("plx_two");
    store.spentTokens.add("plx_one");
    await store.close();
    const text = await Deno.readTextFile(
      `${store.paths.root}/${SPENT_TOKENS_FILE}`,
    );
    assert.ok(!text.includes("plx"));
    assert.equal(JSON.parse(text).sha256.length, 2);
    const again = await openStore(dir);
    assert.ok(again.store.spentTokens.has("plx_one"));
    assert.ok(again.store.spentTokens.has("plx_two"));
    assert.equal(again.store.spentTokens.has("plx_three"), false);
    assert.deepEqual(again.recovered, []);
    await again.store.close();
  }));

Deno.test("SpentTokens keeps the latest 16", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    for (let at = 0; at < 20; at++) store.spentTokens.add(`plx_${at}`);
    assert.equal(store.spentTokens.has("plx_3"), false);
    assert.ok(store.spentTokens.has("plx_4"));
    assert.ok(store.spentTokens.has("plx_19"));
    await store.close();
  }));

Deno.test("SpentTokens begins anew when its file is damaged, and says so", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    store.spentTokens.add("plx_one");
    await store.close();
    const path = `${store.paths.root}/${SPENT_TOKENS_FILE}`;
    const bytes = await Deno.readFile(path);
    bytes[12]! ^= 1;
    await Deno.writeFile(path, bytes);
    const again = await openStore(dir);
    assert.equal(again.store.spentTokens.has("plx_one"), false);
    assert.deepEqual(
      again.recovered.map(({ file }) => file),
      [SPENT_TOKENS_FILE],
    );
    await again.store.close();
  }));
