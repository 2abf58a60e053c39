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

/** As the bearer of dialect 1 is, and as JSON and URLs may write it. */
const SECRET = "aB+/9=";
const QUOTES = [
  SECRET,
  "aB+\\/9=",
  "aB\\u002b/9=",
  "aB\\u002B\\u002F9\\u003d",
  "aB%2B%2f9%3D",
  "aB&#43;/9&#61;",
  "aB&#x2B;&#x2f;9&#x3d;",
];
for (const quote of QUOTES) {
  Deno.test(`presentServerText() knows a secret in ${quote}, whole and cut off`, () => {
    const text = `{"error":"token ${quote}${quote}, unknown"}`;
    assert.equal(
      presentServerText(text, false, [SECRET]),
      '{"error":"token [redacted][redacted], unknown"}',
    );
    for (let length = 1; length < quote.length; length++) {
      const start = `token ${quote.slice(0, length)}`;
      assert.equal(presentServerText(start, true, [SECRET]), "token");
    }
    assert.equal(presentServerText("a 100%", false, [SECRET]), "a 100%");
  });
}

/** A bootstrap token may hold them, and so it holds parts of its own forms. */
const ODD_SECRET = 'a%25\\u0041&#97;"\\';
const ODD_QUOTES = [
  ODD_SECRET,
  JSON.stringify(ODD_SECRET).slice(1, -1),
  encodeURIComponent(ODD_SECRET),
  'a\\u002525\\\\u0041\\u0026#97;\\"\\u005c',
  "a%25\\u0041&amp;#97;&quot;&#92;",
];
for (const quote of ODD_QUOTES) {
  Deno.test(`presentServerText() knows a secret with %, & and \\ in ${quote}`, () => {
    const shown = presentServerText(`bad ${quote}!`, false, [ODD_SECRET]);
    assert.equal(shown, "bad [redacted]!");
  });
}

Deno.test("presentServerText() bounds bytes, not characters", () => {
  const shown = presentServerText("é".repeat(5_000), true, []);
  assert.equal(new TextEncoder().encode(shown).length, MAX_SERVER_TEXT_BYTES);
});
