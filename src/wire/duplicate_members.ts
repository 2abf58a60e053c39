import { rawElements, rawMembers } from "./raw_json.ts";

/** A value that is still to be looked through. */
interface Waiting {
  /** Names and `*` for elements, such as `content.data.*`. */
  readonly place: string;
  readonly raw: string;
}

/**
 * The first object in a JSON text with two members of one name, as the place
 * where it stands. Readers differ in which of the two they take, so signed text
 * must not hold any.
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
  const waiting: Waiting[] = [{ place: "", raw: text.trim() }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { place, raw } = next;
    if (raw.startsWith("[")) {
      const inside = below(place, "*");
      if (isOpaque(inside)) continue;
      for (const element of rawElements(raw)) {
        if (mayHoldObject(element)) {
          waiting.push({ place: inside, raw: element });
        }
      }
    } else if (raw.startsWith("{")) {
      const names = new Set<string>();
      for (const [name, value] of rawMembers(raw)) {
        if (names.has(name)) return place || "the document";
        names.add(name);
        const inside = below(place, name);
        if (mayHoldObject(value) && !isOpaque(inside)) {
          waiting.push({ place: inside, raw: value });
        }
      }
    }
  }
  return undefined;
}

function below(place: string, name: string): string {
  return place === "" ? name : `${place}.${name}`;
}

function mayHoldObject(raw: string): boolean {
  return raw.startsWith("{") || raw.startsWith("[");
}
