import assert from "node:assert/strict";
import { widthOf } from "../../../src/cli/output/text_width.ts";

/** Texts, and the columns that xterm and VTE give them. */
const WIDTHS: readonly (readonly [text: string, columns: number])[] = [
  ["eu-1", 4],
  ["naïve", 5],
  ["e\u0301", 1],
  ["東京", 4],
  ["한국", 4],
  ["サーバー", 8],
  ["「はい。」", 10],
  ["　", 2],
  ["ｻｰﾊﾞｰ", 5],
  ["ﾡ", 1],
  ["Ａ￥", 4],
  ["ㄅꀀ", 4],
  ["𠀀", 2],
  ["★→…", 3],
  ["🚀", 2],
  ["か\u3099", 2],
];
for (const [text, columns] of WIDTHS) {
  Deno.test(`widthOf(${text}) is ${columns}`, () => {
    assert.equal(widthOf(text), columns);
  });
}
