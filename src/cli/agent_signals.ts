/** What signals say to a process that runs for long, beside that it should end. */
export interface AgentSignals extends Disposable {
  /** Aborts when the terminal that the process was started in is gone. */
  readonly gone: AbortSignal;
  /** SIGHUP from anyone else: the configuration is to be read anew. */
  readonly reload: Asked;
  /** SIGUSR2: a snapshot is to be logged. (SIGUSR1 opens Deno's inspector.) */
  readonly snapshot: Asked;
}

/** Something that is asked for now and then. */
export interface Asked {
  /**
   * Calls `listener` each time.
   *
   * @returns what ends the calls.
   */
  onRequest(listener: () => void): () => void;
}

/**
 * Takes SIGHUP and SIGUSR2.
 *
 * SIGHUP says two things: to a service, to read its configuration anew; to a
 * program in a terminal that was closed, to end. Which one, is asked of the
 * terminal.
 */
export function agentSignals(): AgentSignals {
  const gone = new AbortController();
  const reload = new Listeners();
  const snapshot = new Listeners();
  const hadTerminal = Deno.stdin.isTerminal();
  const onHangUp = () => {
    if (hadTerminal && !hasTerminal()) {
      gone.abort(new Error("the terminal is gone"));
    } else reload.tell();
  };
  const onUser = () => snapshot.tell();
  Deno.addSignalListener("SIGHUP", onHangUp);
  Deno.addSignalListener("SIGUSR2", onUser);
  return {
    gone: gone.signal,
    reload,
    snapshot,
    [Symbol.dispose]() {
      Deno.removeSignalListener("SIGHUP", onHangUp);
      Deno.removeSignalListener("SIGUSR2", onUser);
    },
  };
}

class Listeners implements Asked {
  readonly #listeners = new Set<() => void>();

  onRequest(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell() {
    for (const listener of this.#listeners) listener();
  }
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
