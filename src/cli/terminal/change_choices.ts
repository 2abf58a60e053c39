import { dirname } from "node:path";
import type { Clock } from "../../platform/clock.ts";
import { readIfThere, systemDisk } from "../../store/disk.ts";
import { replaceUnderLock, underShortLock } from "../../store/short_lock.ts";
import { type Choice, choicesIn } from "./choices.ts";

/**
 * Changes a user's choices; what no longer counts goes with it. Nothing is made
 * or written where nothing changes.
 *
 * @throws {Error} of the system.
 */
export function changeChoices(
  path: string,
  clock: Pick<Clock, "now">,
  change: (choices: readonly Choice[]) => readonly Choice[],
): void {
  const read = () => {
    const bytes = readIfThere(systemDisk, path) ?? new Uint8Array();
    return choicesIn(new TextDecoder().decode(bytes), clock.now());
  };
  const isSame = (before: readonly Choice[], after: readonly Choice[]) =>
    before.length === after.length &&
    before.every((one, at) => one === after[at]);
  const now = read();
  if (isSame(now, change(now))) return;
  underShortLock(dirname(path), () => {
    const choices = change(read());
    const text = JSON.stringify({ format: 1, choices });
    const bytes = new TextEncoder().encode(`${text}\n`);
    replaceUnderLock(systemDisk, path, bytes);
  });
}
