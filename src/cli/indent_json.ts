import { endOfString } from "../wire/raw_json.ts";

/** Deeper levels are not moved further to the right. */
const DEEPEST_INDENT = 64;

/**
 * Puts each member on a line of its own. Works on the text, so numbers and the
 * order of members stay as they are; characters that could steer a terminal
 * become escapes of the same value.
 *
 * @param text Valid JSON.
 */
export function indentJson(text: string): string {
  const out: string[] = [];
  let depth = 0;
  let last = "";
  for (let at = 0; at < text.length;) {
    const end = endOfToken(text, at);
    const token = text.slice(at, end);
    at = end;
    if (token.charCodeAt(0) <= SPACE) continue;
    const closes = token === "}" || token === "]";
    if (closes) depth--;
    const opened = last === "{" || last === "[";
    if ((opened && !closes) || last === "," || (closes && !opened)) {
      out.push("\n", "  ".repeat(Math.min(depth, DEEPEST_INDENT)));
    }
    out.push(token === ":" ? ": " : token);
    if (token === "{" || token === "[") depth++;
    last = token;
  }
  // Such characters stand in strings only, so one look at all is enough.
  return escapeSteering(out.join(""));
}

const SPACE = 0x20;

/** By hand: a regular expression for each token takes many times as long. */
function endOfToken(text: string, at: number): number {
  if (text[at] === '"') return endOfString(text, at);
  let end = at + 1;
  if (!isOfWord(text.charCodeAt(at))) return end;
  while (isOfWord(text.charCodeAt(end))) end++;
  return end;
}

/** Letters, digits and `+-.` make numbers and words; the rest stands alone. */
function isOfWord(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) || code === 0x2b || code === 0x2d ||
    code === 0x2e;
}

/** One JSON document in one line, with the same escapes. */
export function lineOfJson(value: unknown): string {
  return escapeSteering(JSON.stringify(value));
}

function escapeSteering(json: string): string {
  return json.replace(
    /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
