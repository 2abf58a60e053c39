import { decodeName, endOfString, endOfValue } from "./raw_json.ts";

/** An object or array that has begun and not ended. */
interface Open {
  /** Names and `*` for elements, such as `content.data.*`. */
  readonly place: string;
  /** The names in it so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  /** The place of the next value in it. */
  inside: string;
}

/**
 * The first object in a JSON text with two members of one name, as the place
 * where it stands. Readers differ in which of the two they take, so signed text
 * must not hold any.
 *
 * Reads the text once, however deep it is: it comes from outside.
 *
 * @param text What `JSON.parse` has already accepted.
 * @param isOpaque Whether the value at a place is nobody's business here; a
 * place is written as names and `*` for elements, such as `data.*.payload`.
 * @returns undefined when no name stands twice.
 */
export function findDuplicate(
  text: string,
  isOpaque: (place: string) => boolean = () => false,
): string | undefined {
  const open: Open[] = [];
  let top: Open | undefined;
  let isName = false;
  for (let at = 0; at < text.length;) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      if (isName && top?.names) {
        const name = decodeName(text.slice(at, end));
        if (top.names.has(name)) return top.place || "the document";
        top.names.add(name);
        top.inside = below(top.place, name);
        isName = false;
      }
      at = end;
      continue;
    }
    if (char === "{" || char === "[") {
      if (top && isOpaque(top.inside)) {
        at = endOfValue(text, at);
        continue;
      }
      const place: string = top?.inside ?? "";
      isName = char === "{";
      top = isName
        ? { place, names: new Set(), inside: place }
        : { place, names: undefined, inside: below(place, "*") };
      open.push(top);
    } else if (char === "}" || char === "]") {
      open.pop();
      top = open.at(-1);
    } else if (char === ",") {
      isName = top?.names !== undefined;
    }
    at++;
  }
  return undefined;
}

function below(place: string, name: string): string {
  return place === "" ? name : `${place}.${name}`;
}
