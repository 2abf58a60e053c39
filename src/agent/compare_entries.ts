/** What became of one entry; a removed one is told as it was. */
export interface EntryChange<Entry> {
  readonly change: "added" | "changed" | "removed";
  readonly key: string;
  readonly entry: Entry;
}

/**
 * What differs between two maps in which what is equal is the same object, as
 * in views of one store. Keys that both have in the same order, as after most
 * changes, are not even looked up.
 */
export function* compareEntries<Entry>(
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
): Generator<EntryChange<Entry>> {
  if (before === after) return;
  let kept = 0;
  const former = before.entries();
  let next = former.next();
  for (const [key, entry] of after) {
    let old: Entry | undefined;
    if (next.value?.[0] === key) {
      old = next.value[1];
      next = former.next();
    } else old = before.get(key);
    if (old === undefined) yield { change: "added", key, entry };
    else {
      kept++;
      if (old !== entry) yield { change: "changed", key, entry };
    }
  }
  if (kept === before.size) return;
  for (const [key, entry] of before) {
    if (!after.has(key)) yield { change: "removed", key, entry };
  }
}
