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
  const newLine = () => "\n" + "  ".repeat(Math.min(depth, DEEPEST_INDENT));
  for (let at = 0; at < text.length;) {
    const end = endOfToken(text, at);
    const token = text.slice(at, end);
    at = end;
    if (/^\s/.test(token)) continue;
    const closes = token === "}" || token === "]";
    if (closes) depth--;
    const opened = last === "{" || last === "[";
    if ((opened && !closes) || last === "," || (closes && !opened)) {
      out.push(newLine());
    }
    out.push(token === ":" ? ": " : escapeSteering(token));
    if (token === "{" || token === "[") depth++;
    last = token;
  }
  return out.join("");
}

function endOfToken(text: string, at: number): number {
  if (text[at] !== '"') {
    const rest = /[{}[\],:]|\s+|[^\s{}[\],:"]+/y;
    rest.lastIndex = at;
    return rest.test(text) ? rest.lastIndex : at + 1;
  }
  let end = at + 1;
  while (end < text.length && text[end] !== '"') {
    end += text[end] === "\\" ? 2 : 1;
  }
  return end + 1;
}

/** One JSON document in one line, with the same escapes. */
export function lineOfJson(value: unknown): string {
  return escapeSteering(JSON.stringify(value));
}

function escapeSteering(token: string): string {
  return token.replace(
    /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
