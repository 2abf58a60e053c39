import type { Seeded } from "./seeded.ts";

/** Bytes changed, taken out, put in or said twice, or the end cut off. */
export function mangledBytes(
  bytes: Uint8Array,
  random: Seeded,
): Uint8Array<ArrayBuffer> {
  let out = bytes.slice();
  for (let times = 1 + random.below(4); times > 0 && out.length > 0; times--) {
    const at = random.below(out.length);
    const to = Math.min(out.length, at + 1 + random.below(16));
    switch (random.below(5)) {
      case 0:
        out[at] = random.below(256);
        break;
      case 1:
        out = concat([out.subarray(0, at), out.subarray(to)]);
        break;
      case 2:
        out = concat([out.subarray(0, to), out.subarray(at)]);
        break;
      case 3:
        out = concat([
          out.subarray(0, at),
          random.bytes(1 + random.below(8)),
          out.subarray(at),
        ]);
        break;
      default:
        out = out.slice(0, at);
    }
  }
  return out;
}

/** Texts that readers of JSON trip over. */
const PIECES = [
  '"',
  "\\",
  "\\u",
  "\\u0000",
  "\\ud800",
  "\\u2028",
  "\ud800",
  "\u2028",
  "\ufeff",
  "\0",
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  " ",
  "\t",
  "\r\n",
  "null",
  "true",
  "-0",
  "1e999",
  "9007199254740993",
  '"__proto__":1,',
  '"constructor":{},',
  "é",
  "😀",
  "<>&",
];

/** The same done to a text, with pieces that its readers trip over. */
export function mangledText(text: string, random: Seeded): string {
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(text.length + 1);
    const to = Math.min(text.length, at + 1 + random.below(16));
    switch (random.below(6)) {
      case 0:
        text = text.slice(0, at) + random.pick(PIECES) + text.slice(at + 1);
        break;
      case 1:
        text = text.slice(0, at) + text.slice(to);
        break;
      case 2:
        text = text.slice(0, to) + text.slice(at);
        break;
      case 3:
        text = text.slice(0, at) + random.pick(PIECES) + text.slice(at);
        break;
      case 4:
        text = text.slice(0, at) + repeated(random) + text.slice(at);
        break;
      default:
        text = text.slice(0, at);
    }
  }
  return text;
}

/** Mostly a few times, now and then a hundred thousand times. */
function repeated(random: Seeded): string {
  const most = random.below(2_000) === 0 ? 100_000 : 40;
  return random.pick(PIECES).repeat(random.below(most));
}

/** Values that stand where others are looked for, as JSON. */
const VALUES: readonly string[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e300,
  "",
  "x",
  "\0",
  "\ud800",
  "__proto__",
  "<\u2028>",
  "x".repeat(1_100),
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999+23:59",
  [],
  [[]],
  {},
  { "": "" },
].map((value) => JSON.stringify(value));

/** Names that objects of some readers have already, and names of nothing. */
const NAMES = ["__proto__", "constructor", "toString", "", "\0", "é"];

type Place = Record<string, unknown>;

/** A JSON text with other values, members that are gone, or elements twice. */
export function mangledJson(json: string, random: Seeded): string {
  const whole: Place = { value: JSON.parse(json) };
  for (let times = 1 + random.below(3); times > 0; times--) {
    mangleOne(whole, random);
  }
  const text = JSON.stringify(whole["value"]) ?? "";
  return random.below(3) === 0 ? mangledText(text, random) : text;
}

function mangleOne(whole: Place, random: Seeded) {
  let place = whole;
  let name = "value";
  // An array is a place, too, with its indexes for names.
  for (;;) {
    const next = place[name];
    const names = isPlace(next) ? Object.keys(next) : [];
    if (names.length === 0 || random.below(4) === 0) break;
    place = next as Place;
    name = random.pick(names);
  }
  const value: unknown = JSON.parse(random.pick(VALUES));
  switch (random.below(5)) {
    case 0:
      if (Array.isArray(place)) place.splice(Number(name), 1);
      else if (place !== whole) delete place[name];
      break;
    case 1:
      if (Array.isArray(place)) place.push(place[Number(name)]);
      else if (place !== whole) place[name.toUpperCase()] = place[name];
      break;
    case 2:
      if (Array.isArray(place)) place.reverse();
      else Object.defineProperty(place, random.pick(NAMES), { ...OWN, value });
      break;
    default:
      place[name] = value;
  }
}

/** By assignment, `__proto__` would be no member. */
const OWN = { enumerable: true, configurable: true, writable: true };

function isPlace(value: unknown): value is Place {
  return typeof value === "object" && value !== null;
}

/** All of them, one after the other. */
export function concat(
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
