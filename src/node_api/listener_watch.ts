import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { OpenListeners } from "./health/open_listeners.ts";

/** Between two looks. */
export const LOOK_MS = 500;

/** From this share of all descriptors on, connections are shed. */
const FULL_SHARE = 0.9;

/** Where nobody counts them, when fewer descriptors than this are left. */
const SPARE = 16;

/** How many descriptors this process has open, and may have. */
export interface Descriptors {
  readonly open: number;
  readonly limit: number;
}

/** A listener is given up for the descriptors that it holds. */
export class ShortageError extends Error {
  override readonly name = "ShortageError";
}

/** Options for {@linkcode watchListeners}. */
export interface ListenerWatchOptions {
  readonly listeners: OpenListeners;
  /** Undefined where the machine does not tell. */
  readonly descriptors: () => Promise<Descriptors | undefined>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Looks at what listeners cannot notice by themselves. One whose socket is gone
 * from its folder would serve nobody any more: it is opened again. One whose
 * place somebody else has taken is told of, and left alone. When descriptors run
 * out, the sockets are opened again, as that drops whoever holds them; it would
 * be the only thing left to do a little later.
 */
export async function watchListeners(
  options: ListenerWatchOptions,
  stop: AbortSignal,
): Promise<void> {
  const { listeners, descriptors, clock, log } = options;
  const taken = new Set<string>();
  try {
    for (;;) {
      await clock.sleep(LOOK_MS, stop);
      for (const name of listeners.names) {
        const place = listeners.place(name);
        if (place === "gone") {
          listeners.reopen(name, new Error("Its socket is gone"));
        }
        if (place !== "taken") taken.delete(name);
        else if (!taken.has(name)) {
          taken.add(name);
          log.error("Something else is in the place of a socket", {
            listener: name,
          });
        }
      }
      const seen = await descriptors().catch(() => undefined);
      const error = seen ? shortageOf(seen) : triedShortage();
      if (!error) continue;
      // One that counts its connections has a limit of its own.
      for (const { name, connections } of listeners.status) {
        if (connections === null) listeners.reopen(name, error);
      }
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

function shortageOf({ open, limit }: Descriptors): ShortageError | undefined {
  return open < FULL_SHARE * limit
    ? undefined
    : new ShortageError(`${open} of ${limit} descriptors are open`);
}

/**
 * Where descriptors are not counted, what is left of them is tried. It takes
 * more than one: a listener that got none for a connection has been closed by
 * the runtime, without a word while others are open, and left its own.
 */
function triedShortage(): ShortageError | undefined {
  const opened: Deno.FsFile[] = [];
  try {
    while (opened.length < SPARE) opened.push(Deno.openSync("/dev/null"));
    return undefined;
  } catch (error) {
    return error instanceof Error && /too many open files/i.test(error.message)
      ? new ShortageError(`Fewer than ${SPARE} descriptors are left`)
      : undefined;
  } finally {
    for (const file of opened) file.close();
  }
}
