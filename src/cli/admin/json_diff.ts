/** One place where two documents differ. */
export interface Difference {
  /** Such as `state.metadata[0].value`. */
  readonly place: string;
  /** As JSON; absent where nothing stands there. */
  readonly before?: string;
  readonly after?: string;
}

/**
 * Where two JSON documents differ, in the order of the second; arrays of objects
 * that have a key of their own are compared by it.
 */
export function jsonDiff(before: unknown, after: unknown): Difference[] {
  return differences("", before, after);
}

/** By which members entries of lists are told apart. */
const KEYS = ["node_id", "id", "key", "name", "execution_id"] as const;

function differences(
  place: string,
  before: unknown,
  after: unknown,
): Difference[] {
  const [one, two] = [membersOf(before), membersOf(after)];
  if (!one || !two || Array.isArray(before) !== Array.isArray(after)) {
    const [old, now] = [JSON.stringify(before), JSON.stringify(after)];
    if (old === now) return [];
    return [{
      place: place === "" ? "." : place,
      ...(old === undefined ? {} : { before: old }),
      ...(now === undefined ? {} : { after: now }),
    }];
  }
  const names = [...two.keys(), ...[...one.keys()].filter((n) => !two.has(n))];
  return names.flatMap((name) =>
    differences(placeOf(place, name, after), one.get(name), two.get(name))
  );
}

function placeOf(place: string, name: string, parent: unknown): string {
  if (Array.isArray(parent)) return `${place}[${name}]`;
  return place === "" ? name : `${place}.${name}`;
}

function membersOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  return new Map(value.map((entry, at) => [keyOf(entry) ?? String(at), entry]));
}

function keyOf(entry: unknown): string | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const members = new Map(Object.entries(entry));
  const key = KEYS.map((name) => members.get(name)).find((value) =>
    typeof value === "string"
  );
  return typeof key === "string" ? key : undefined;
}
