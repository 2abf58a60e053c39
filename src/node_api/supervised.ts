import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import { ListenError } from "./listen_error.ts";
import { ShortageError } from "./listener_watch.ts";
import type { Listener } from "./listener.ts";

/**
 * Wait before a failed listener is opened again: long enough for a burst that
 * used up all descriptors to be over, short enough to be noticed by few.
 */
export const REOPEN_MS = 300;

/** So many failures of one listener within {@linkcode WINDOW_MS} are its end. */
const MOST_FAILURES = 5;
const WINDOW_MS = 60_000;

/** Options for {@linkcode keepListening}. */
export interface KeepListeningOptions {
  /** What is listened on, for the log. */
  readonly name: string;
  readonly open: () => Promise<Listener>;
  /** Hears when one that has failed is open again. */
  readonly reopened?: (name: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Keeps a listener open: when accepting fails, as it does when the process is
 * out of descriptors, it is opened again until that works. One that fails again
 * and again is left to whoever starts the process: it may do better anew. Being
 * short of descriptors does not count, as that is what strangers can bring about.
 *
 * @param listener The one that is open now.
 * @returns the one that is open when `stop` aborts; undefined if none is.
 * @throws {ListenError} kind "failed" at its fifth failure within a minute.
 */
export async function keepListening(
  listener: Listener,
  options: KeepListeningOptions,
  stop: AbortSignal,
): Promise<Listener | undefined> {
  const { name, open, reopened, clock, log } = options;
  let current: Listener | undefined = listener;
  const stopped = aborted(stop);
  let failures: readonly number[] = [];
  let tries = 0;
  while (!stop.aborted) {
    if (current) {
      const error = await Promise.race([ended(current), stopped]);
      if (stop.aborted) break;
      await current.close();
      current = undefined;
      const nowMs = clock.elapsed();
      // Whoever uses up the descriptors must not be able to end the agent.
      if (!isShortage(error)) failures = [...failures, nowMs];
      failures = failures.filter((ms) => nowMs - ms < WINDOW_MS);
      if (failures.length >= MOST_FAILURES) {
        throw new ListenError(
          "failed",
          `The listener ${name} has failed ${MOST_FAILURES} times within a minute`,
          error,
        );
      }
      log.error("Listener failed, it will be opened again", {
        listener: name,
        error,
      });
    }
    await clock.sleep(REOPEN_MS, stop).catch(() => {});
    if (stop.aborted) break;
    try {
      current = await open();
      tries = 0;
      log.warn("Listener opened again", { listener: name });
      reopened?.(name);
    } catch (error) {
      // What goes on failing is told ever more rarely.
      if (isPowerOfTwo(++tries)) {
        log.error("Listener not opened again", {
          listener: name,
          tries,
          error,
        });
      }
    }
  }
  return current;
}

/** The process, or the machine, had no descriptor left. */
function isShortage(error: unknown): boolean {
  return error instanceof ShortageError ||
    error instanceof Error && /too many open files/i.test(error.message);
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}

/** What ended a listener; settles, never rejects. */
async function ended(listener: Listener): Promise<unknown> {
  try {
    await listener.finished;
    return new Error("It stopped listening");
  } catch (error) {
    return error;
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
