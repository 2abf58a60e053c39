/**
 * JSON whose text matters: signatures cover payload bytes as they were sent,
 * and payloads are served as they came, so values are sliced out of the
 * received text and never written anew.
 *
 * Nothing here recurses: nesting depth comes from outside.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The first JSON value of a text: its exact slice and what it means. */
export interface FirstValue {
  readonly raw: string;
  readonly value: unknown;
  /** What follows the value. */
  readonly rest: string;
}

/**
 * Reads the first JSON value of `text` and ignores what follows it.
 *
 * @throws {SyntaxError} when the text does not start with a JSON value.
 */
export function parseFirstValue(text: string): FirstValue {
  const start = skipSpace(text, 0);
  const end = endOfValue(text, start);
  const raw = text.slice(start, end);
  return { raw, value: JSON.parse(raw), rest: text.slice(end) };
}

/**
 * A text that was sliced out of another one, without it: the runtime keeps all
 * of what a slice is of, for as long as there is the slice. That could be a
 * document of megabytes, and the keys in it that nobody is to keep.
 */
export function detached(slice: string): string {
  // Joined and cut, it is written anew, and a slice of that.
  return ` ${slice}`.slice(1);
}

/** One member of an object: the decoded name and the raw text of its value. */
export type RawMember = readonly [name: string, raw: string];

/**
 * Shows the members of an object in order, duplicates included.
 *
 * @param text Text that `JSON.parse` has already accepted.
 * @param start Where in it the object begins.
 * @returns the offset after the object.
 */
export function eachMember(
  text: string,
  visit: (...member: RawMember) => void,
  start = 0,
): number {
  let at = skipSpace(text, start) + 1;
  for (;;) {
    at = skipSpace(text, at);
    if (text[at] === ",") at = skipSpace(text, at + 1);
    if (at >= text.length || text[at] === "}") return at + 1;
    const nameEnd = endOfString(text, at);
    const name = decodeName(text.slice(at, nameEnd));
    at = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = endOfValue(text, at);
    visit(name, text.slice(at, end));
    at = end;
  }
}

/**
 * The members of an object in order, duplicates included.
 *
 * @param text An object that `JSON.parse` has already accepted.
 */
export function rawMembers(text: string): RawMember[] {
  const members: RawMember[] = [];
  eachMember(text, (name, raw) => members.push([name, raw]));
  return members;
}

/**
 * The raw text of a member, the last one if several have its name, as
 * `JSON.parse` takes it; undefined when none has.
 *
 * @param text An object that `JSON.parse` has already accepted.
 */
export function rawMember(text: string, name: string): string | undefined {
  let found: string | undefined;
  eachMember(text, (member, raw) => {
    if (member === name) found = raw;
  });
  return found;
}

/**
 * The same of each object in an array, in one pass.
 *
 * @param text An array of objects that `JSON.parse` has already accepted.
 */
export function rawMemberOfEach(
  text: string,
  name: string,
): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  let at = skipSpace(text, 0) + 1;
  for (;;) {
    at = skipSpace(text, at);
    if (text[at] === ",") at = skipSpace(text, at + 1);
    if (at >= text.length || text[at] === "]") return found;
    let last: string | undefined;
    at = eachMember(text, (member, raw) => {
      if (member === name) last = raw;
    }, at);
    found.push(last);
  }
}

/**
 * The raw text of each element of an array.
 *
 * @param text An array that `JSON.parse` has already accepted.
 */
export function rawElements(text: string): string[] {
  const elements: string[] = [];
  let at = skipSpace(text, 0) + 1;
  for (;;) {
    at = skipSpace(text, at);
    if (text[at] === ",") at = skipSpace(text, at + 1);
    if (at >= text.length || text[at] === "]") return elements;
    const end = endOfValue(text, at);
    elements.push(text.slice(at, end));
    at = end;
  }
}

function skipSpace(text: string, at: number): number {
  for (;; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) {
      return at;
    }
  }
}

/** Offset after the string that opens at `at`; the text's end if it never closes. */
export function endOfString(text: string, at: number): number {
  for (let quote = at + 1;;) {
    quote = text.indexOf('"', quote);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes++;
    quote++;
    if (slashes % 2 === 0) return quote;
  }
}

/** Offset after the value that starts at `at`. Finds ends; checks nothing. */
export function endOfValue(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return endOfString(text, at);
  if (first !== "{" && first !== "[") return endOfScalar(text, at);
  let depth = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    at++;
    // "[" is 0x5b and "{" is 0x7b; their closers are two above.
    if (code === 0x5b || code === 0x7b) depth++;
    else if ((code === 0x5d || code === 0x7d) && --depth === 0) return at;
  }
  return at;
}

/** A name out of its quotes. Most hold no escape, and stand there as they are. */
export function decodeName(quoted: string): string {
  if (quoted.includes("\\")) return JSON.parse(quoted) as string;
  return quoted.slice(1, -1);
}

const SCALAR = /[-+.0-9A-Za-z]*/y;

function endOfScalar(text: string, at: number): number {
  SCALAR.lastIndex = at;
  SCALAR.test(text);
  return SCALAR.lastIndex;
}
