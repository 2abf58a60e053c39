import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { OpenListeners } from "./health/open_listeners.ts";
import { isShortage, ShortageError } from "./shortage.ts";

/** Between two looks. */
export const LOOK_MS = 500;

/**
 * The same while descriptors are short, or have just been: whoever has used them
 * up will do so again, and until that is seen nobody is served.
 */
const ALERT_LOOK_MS = 50;

/** How long after a shortage there are more looks. */
const ALERT_MS = 5_000;

/** From this share of all descriptors on, connections are shed. */
const FULL_SHARE = 0.9;

/** Where nobody counts them, when fewer descriptors than this are left. */
const SPARE = 16;

/** How many descriptors this process has open, and may have. */
export interface Descriptors {
  readonly open: number;
  readonly limit: number;
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
 * be the only thing left to do a little later. One that nobody listens on any
 * more though it has not ended, as a shortage leaves it on Deno 2.7, is, too.
 */
export async function watchListeners(
  options: ListenerWatchOptions,
  stop: AbortSignal,
): Promise<void> {
  const { listeners, descriptors, clock, log } = options;
  const taken = new Set<string>();
  const asked = new Map<string, Promise<void>>();
  let alertUntil = -Infinity;
  const alert = () => alertUntil = clock.elapsed() + ALERT_MS;
  const isDeaf = (name: string) => {
    alert();
    listeners.reopen(name, new ShortageError("Nobody listens at its socket"));
  };
  try {
    for (;;) {
      const isAlert = clock.elapsed() < alertUntil;
      await clock.sleep(isAlert ? ALERT_LOOK_MS : LOOK_MS, stop);
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
        // The answer comes while others are looked at; nobody waits for it.
        if (place !== "kept" || asked.has(name)) continue;
        asked.set(
          name,
          listeners.whenDeaf(name, () => isDeaf(name))
            .finally(() => asked.delete(name)),
        );
      }
      const seen = await descriptors().catch(() => undefined);
      const error = seen ? shortageOf(seen) : triedShortage();
      if (!error) continue;
      alert();
      // One that counts its connections has a limit of its own.
      for (const { name, connections } of listeners.status) {
        if (connections === null) listeners.reopen(name, error);
      }
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    await Promise.all(asked.values());
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
    return isShortage(error)
      ? new ShortageError(`Fewer than ${SPARE} descriptors are left`)
      : undefined;
  } finally {
    for (const file of opened) file.close();
  }
}
