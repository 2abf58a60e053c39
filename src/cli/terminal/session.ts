/** What tells one terminal from another. */
export interface SessionSources {
  readonly env: Pick<Deno.Env, "get">;
  /** @throws when there is no such file. */
  readonly read: (path: string) => string;
}

/** The terminal that this process belongs to. */
export interface Session {
  /** No other terminal has the same, also not a later one on the same device. */
  readonly key: string;
  /** Which start of the machine it is of; null for one that has a name. */
  readonly bootId: string | null;
}

/** Names a session where there is no terminal, or over several of them. */
export const SESSION_VARIABLE = "PLEXD_SESSION";

/**
 * The session that `PLEXD_SESSION` names, else that of the controlling terminal.
 * Devices are used again: what makes a terminal this one is the process that
 * leads its session, and when that started.
 *
 * @returns undefined where there is neither.
 * @see proc(5), "/proc/pid/stat"
 */
export function currentSession(
  { env, read }: SessionSources,
): Session | undefined {
  const name = env.get(SESSION_VARIABLE) ?? "";
  if (name !== "") return { key: `name:${name}`, bootId: null };
  try {
    const { session, tty } = parseStat(read("/proc/self/stat"));
    if (tty === "0") return undefined;
    const { startedAt } = parseStat(read(`/proc/${session}/stat`));
    const bootId = read("/proc/sys/kernel/random/boot_id").trim();
    return { key: `tty:${tty}:${session}:${startedAt}`, bootId };
  } catch {
    // Its leader has ended, or this is no Linux: nothing can be told apart.
    return undefined;
  }
}

/** The name of a program, in brackets, may hold anything. */
function parseStat(text: string) {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [session, tty, startedAt] = [fields[3], fields[4], fields[19]];
  if (!session || !tty || !startedAt) throw new RangeError("No such line");
  return { session, tty, startedAt };
}
