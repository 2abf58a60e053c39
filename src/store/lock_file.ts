import { startTicksOf } from "../platform/process_identity.ts";

/** Who holds a membership, as far as its lock file and the system tell. */
export interface LockHolder {
  /**
   * Process id; undefined when the file names none, or one that is gone or is
   * another process by now: it was left by an earlier holder.
   */
  readonly pid: number | undefined;
  /** Since when it holds it, RFC 3339 text. */
  readonly since?: string;
  /** Of plexd; absent when the holder did not say. */
  readonly version?: string;
}

/** What a lock file says of its last holder; the lock itself is the truth. */
export interface LockRecord extends LockHolder {
  readonly pid: number;
  /** When that process was started, in clock ticks since the machine was. */
  readonly startTicks?: number;
}

/**
 * Whether the process that a lock file names is still that process. One that
 * may not be looked at is there.
 *
 * @returns undefined when this process may not look at all.
 */
export function isAlive({ pid, startTicks }: LockRecord): boolean | undefined {
  const now = startTicksOf(pid);
  if (now === "gone") return false;
  if (now === "hidden" || startTicks === undefined) return true;
  return now === undefined ? undefined : now === startTicks;
}

/** Reads a lock file; undefined when it names nobody. */
export function parseLockFile(text: string): LockRecord | undefined {
  const [pid, since, version, ticks] = text.split("\n");
  if (!/^[1-9][0-9]{0,9}$/.test(pid ?? "")) return undefined;
  return {
    pid: Number(pid),
    ...(since ? { since } : {}),
    ...(version ? { version } : {}),
    ...(/^[0-9]+$/.test(ticks ?? "") ? { startTicks: Number(ticks) } : {}),
  };
}
