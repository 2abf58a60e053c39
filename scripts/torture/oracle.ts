import type { Recovery } from "../../src/store/recovery.ts";
import { NONE, type Seen } from "./observe.ts";

/**
 * Parts that a step takes away before it puts the new one in place: none is
 * safe, since the node then asks again, and a mix is not.
 */
const MAY_BE_GONE: readonly string[] = ["identity", "pending key pair"];

/** A line that was being added when the power went: told, and no harm. */
const TORN = "a line is torn";

/**
 * What is wrong with what is seen after a crash. Every part has to be as after
 * the last acknowledged step, or as after the step that was being done.
 *
 * @param next Absent when no step was being done.
 * @returns undefined when nothing is.
 */
export function lossIn(
  seen: Seen,
  acknowledged: Seen,
  next: Seen = acknowledged,
): string | undefined {
  const parts = new Set([...seen.keys(), ...acknowledged.keys()]);
  for (const part of parts) {
    const found = seen.get(part) ?? NONE;
    const before = acknowledged.get(part) ?? NONE;
    const after = next.get(part) ?? NONE;
    if (found === before || found === after) continue;
    const isGone = found === NONE && before !== after;
    if (isGone && MAY_BE_GONE.includes(part)) continue;
    const from = Math.min(split(found, before), split(found, after));
    const shown = (text: string) => excerpt(text, from);
    return `${part} is ${shown(found)} instead of ${shown(before)}` +
      (after === before ? "" : ` or ${shown(after)}`);
  }
  return undefined;
}

/** Whether both are the same in every part. */
export function isSame(a: Seen, b: Seen): boolean {
  return lossIn(a, b) === undefined && lossIn(b, a) === undefined;
}

/** Repairs that a crash does not explain: it damages nothing but a torn line. */
export function unexplained(recovered: readonly Recovery[]): Recovery[] {
  return recovered.filter(({ what }) => what !== TORN);
}

/** Where two texts begin to differ. */
function split(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** A part of a long text that shows what differs. */
function excerpt(text: string, from: number): string {
  const start = Math.max(0, from - 40);
  return (start > 0 ? "…" : "") + text.slice(start, start + 120);
}
