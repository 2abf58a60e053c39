import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRfc3339 } from "../../src/wire/rfc3339.ts";

const accepted = [
  { text: "2026-03-01T11:59:30Z", canonical: "2026-03-01T11:59:30Z" },
  { text: "2026-03-01T11:59:30.000Z", canonical: "2026-03-01T11:59:30Z" },
  { text: "2026-03-01T11:59:30.120Z", canonical: "2026-03-01T11:59:30.12Z" },
  { text: "2026-03-01T11:59:30,5Z", canonical: "2026-03-01T11:59:30.5Z" },
  { text: "2026-03-01T11:59:30+00:00", canonical: "2026-03-01T11:59:30Z" },
  { text: "2026-03-01T11:59:30-00:00", canonical: "2026-03-01T11:59:30Z" },
  {
    text: "2026-03-01T13:59:30.50+02:00",
    canonical: "2026-03-01T13:59:30.5+02:00",
  },
  {
    text: "2026-03-01T11:59:30.1234567899Z",
    canonical: "2026-03-01T11:59:30.123456789Z",
  },
  {
    text: "2026-03-01T11:59:30.0000000009Z",
    canonical: "2026-03-01T11:59:30Z",
  },
  { text: "0001-01-01T00:00:00Z", canonical: "0001-01-01T00:00:00Z" },
  { text: "2024-02-29T23:59:59Z", canonical: "2024-02-29T23:59:59Z" },
];
for (const { text, canonical } of accepted) {
  Deno.test(`parseRfc3339() canonicalises ${text} to ${canonical}`, () => {
    assert.equal(parseRfc3339(text)?.canonical, canonical);
  });
}

const refused = [
  "",
  "2026-03-01 11:59:30Z",
  "2026-03-01t11:59:30Z",
  "2026-03-01T11:59:30z",
  "2026-03-01T11:59:30",
  "2026-03-01T11:59:60Z",
  "2026-03-01T11:60:30Z",
  "2026-03-01T24:00:00Z",
  "2026-02-29T00:00:00Z",
  "2026-04-31T00:00:00Z",
  "2026-00-10T00:00:00Z",
  "2026-13-10T00:00:00Z",
  "2026-01-00T00:00:00Z",
  "2026-01-32T00:00:00Z",
  "2026-03-01T11:59:30.Z",
  "2026-03-01T11:59:30+24:00",
  "2026-03-01T11:59:30+02:60",
  "2026-03-01T11:59:30+0200",
  "2026-03-01T1:59:30Z",
  "26-03-01T11:59:30Z",
  "+12026-03-01T11:59:30Z",
  "2026-03-01T11:59:30Z\n",
  " 2026-03-01T11:59:30Z",
  "２026-03-01T11:59:30Z",
];
for (const text of refused) {
  Deno.test(`parseRfc3339() refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseRfc3339(text), undefined);
  });
}

Deno.test("parseRfc3339() gives ms rounded down and the nanoseconds past them", () => {
  const time = parseRfc3339("2026-03-01T13:59:30.123456789+02:00");
  assert.equal(time?.ms, Date.UTC(2026, 2, 1, 11, 59, 30, 123));
  assert.equal(time?.subMs, 456_789);
});

Deno.test("parseRfc3339() answers each text by itself, whatever came before", () => {
  const texts = ["", "2026-03-01T00:00:00Z", "no time", "2026-03-02T00:00:00Z"];
  for (const before of texts) {
    for (const text of texts) {
      parseRfc3339(before);
      const ms = parseRfc3339(text)?.ms;
      assert.equal(ms, text.startsWith("2") ? Date.parse(text) : undefined);
    }
  }
});

Deno.test("parseRfc3339() rounds down before 1970, too", () => {
  const time = parseRfc3339("1969-12-31T23:59:59.9995Z");
  assert.equal(time?.ms, -1);
  assert.equal(time?.subMs, 500_000);
});

Deno.test("parseRfc3339() reads back any moment with any offset", () => {
  const moments = fc.integer({ min: -62135596800000, max: 253402214400000 });
  const offsets = fc.integer({ min: -1439, max: 1439 });
  fc.assert(fc.property(moments, offsets, (ms, offset) => {
    const local = new Date(ms + offset * 60_000).toISOString();
    if (local.length !== 24) return; // a year outside 0000 to 9999
    const size = Math.abs(offset);
    const two = (part: number) => String(Math.floor(part)).padStart(2, "0");
    const zone = `${offset < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
    assert.equal(parseRfc3339(local.slice(0, 23) + zone)?.ms, ms);
  }));
});
