import { aborted } from "../platform/aborted.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import { ListenError } from "./listen_error.ts";
import type { Listener } from "./listener.ts";
import { isShortage } from "./shortage.ts";

/**
 * Wait before a failed listener is opened again: long enough for a burst that
 * used up all descriptors to be over, short enough to be noticed by few.
 */
export const REOPEN_MS = 300;

/**
 * The same for a listener whose connections had used them up: closing it has
 * ended that, and every moment without it is one in which nobody is served.
 */
export const SHED_MS = 50;

/** Longest wait for a listener to be closed; its place is free at once. */
const CLOSE_MS = 100;

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
 * short of descriptors does not count, as that is what strangers can bring about;
 * for the same reason it is told ever more rarely while it goes on.
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
  const closing = new Set<Promise<void>>();
  let failures: readonly number[] = [];
  let shortages = 0;
  let lastShortage = -Infinity;
  let isTold = true;
  let wait = REOPEN_MS;
  let tries = 0;
  while (!stop.aborted) {
    if (current) {
      const error = await Promise.race([ended(current), stopped]);
      if (stop.aborted) break;
      const closed = current.close()
        .catch((error) =>
          log.warn("Listener not closed", { listener: name, error })
        )
        .finally(() => closing.delete(closed));
      closing.add(closed);
      await soon(closed, clock);
      current = undefined;
      const nowMs = clock.elapsed();
      // Whoever uses up the descriptors must not be able to end the agent.
      if (isShortage(error)) {
        shortages = nowMs - lastShortage < WINDOW_MS ? shortages + 1 : 1;
        lastShortage = nowMs;
        isTold = isPowerOfTwo(shortages);
        wait = SHED_MS;
      } else {
        failures = [...failures, nowMs];
        isTold = true;
      }
      failures = failures.filter((ms) => nowMs - ms < WINDOW_MS);
      if (failures.length >= MOST_FAILURES) {
        throw new ListenError(
          "failed",
          `The listener ${name} has failed ${MOST_FAILURES} times within a minute`,
          error,
        );
      }
      if (isTold) {
        log.error("Listener failed, it will be opened again", {
          listener: name,
          error,
        });
      }
    }
    await clock.sleep(wait, stop).catch(() => {});
    wait = REOPEN_MS;
    if (stop.aborted) break;
    try {
      current = await open();
      tries = 0;
      if (!isTold) continue;
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
  await Promise.all(closing);
  return current;
}

/** Waits for it, but no longer than {@linkcode CLOSE_MS}. */
async function soon(closed: Promise<void>, clock: Clock): Promise<void> {
  const over = new AbortController();
  const limit = clock.sleep(CLOSE_MS, over.signal).catch(() => {});
  await Promise.race([closed, limit]);
  over.abort();
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
