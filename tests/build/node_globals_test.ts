import assert from "node:assert/strict";
import { withNodeGlobals } from "../../scripts/build/node_globals.ts";

const PIECE = { text: "setTimeout(f,1).unref();", map: '{"mappings":"AAAA"}' };

Deno.test("withNodeGlobals() gives a package of Node its timers, and the map a line", () => {
  const { text, map } = withNodeGlobals("undici_library-ABC.js", PIECE);
  const [first, second] = text.split("\n");
  assert.match(first!, /^import\{.*setTimeout.*\}from"node:timers";$/);
  assert.equal(second, PIECE.text);
  assert.equal(map, '{"mappings":";AAAA"}');
});

Deno.test("withNodeGlobals() leaves other pieces as they are", () => {
  assert.deepEqual(withNodeGlobals("main.js", PIECE), PIECE);
});
