import assert from "node:assert/strict";
import {
  MAX_SERVER_TEXT_BYTES,
  presentServerText,
} from "../../src/uplink/server_text.ts";

const cases = [
  { what: "keeps plain text", text: "no such node", shown: "no such node" },
  { what: "puts lines on one", text: "a\r\n\tb\0c", shown: "a b c" },
  { what: "drops terminal sequences", text: "\x1b[31mred", shown: "[31mred" },
  {
    what: "hides the token",
    text: "bad s3cret s3cret",
    shown: "bad [redacted] [redacted]",
  },
];
for (const { what, text, shown } of cases) {
  Deno.test(`presentServerText() ${what}`, () => {
    assert.equal(presentServerText(text, false, ["s3cret"]), shown);
  });
}

Deno.test("presentServerText() hides a token that was cut off at any place", () => {
  for (let length = 1; length < 6; length++) {
    const text = `bad ${"s3cret".slice(0, length)}`;
    assert.equal(presentServerText(text, true, ["s3cret"]), "bad");
    assert.equal(presentServerText(text, false, ["s3cret"]), text);
  }
});

Deno.test("presentServerText() bounds bytes, not characters", () => {
  const shown = presentServerText("é".repeat(5_000), true, []);
  assert.equal(new TextEncoder().encode(shown).length, MAX_SERVER_TEXT_BYTES);
});
