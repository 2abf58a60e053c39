/** What SIGHUP means for a process that runs for long. */
export interface HangUps extends Disposable {
  /** Aborts when the terminal that the process was started in is gone. */
  readonly gone: AbortSignal;
  /**
   * Calls `listener` for every other SIGHUP.
   *
   * @returns what ends the calls.
   */
  readonly onReload: (listener: () => void) => () => void;
}

/**
 * Takes SIGHUP, which says two things: to a service, to read its configuration
 * anew; to a program in a terminal that was closed, to end. Which one, is asked
 * of the terminal.
 */
export function hangUps(): HangUps {
  const gone = new AbortController();
  const listeners = new Set<() => void>();
  const hadTerminal = Deno.stdin.isTerminal();
  const hear = () => {
    if (hadTerminal && !hasTerminal()) {
      gone.abort(new Error("the terminal is gone"));
      return;
    }
    for (const tell of listeners) tell();
  };
  Deno.addSignalListener("SIGHUP", hear);
  return {
    gone: gone.signal,
    onReload(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", hear),
  };
}

/** The kernel refuses the name once the terminal has hung up. */
function hasTerminal(): boolean {
  try {
    Deno.openSync("/dev/tty").close();
    return true;
  } catch {
    return false;
  }
}
