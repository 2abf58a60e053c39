import type { Clock } from "../../platform/clock.ts";
import type { Screen } from "./screen.ts";
import { cutTo, plain } from "./text_width.ts";

/** What is over sooner needs no words. */
const QUIET_MS = 1_000;
/** Often enough to see that it goes on. */
const TICK_MS = 1_000;
const ERASE = "\r\x1b[K";

/** Work that tells what it is at, in a few words. */
export type Told<Result> = (tell: (text: string) => void) => Promise<Result>;

/** Does work, and shows that something goes on if it takes longer. */
export type Progress = <Result>(
  text: string,
  work: Told<Result>,
) => Promise<Result>;

/** Options for {@linkcode progressOn}. */
export interface ProgressOptions {
  /** Behind standard error. */
  readonly screen: Screen;
  readonly clock: Clock;
  /** Writes to standard error, without a newline. */
  readonly write: (text: string) => void;
}

/**
 * Progress as one line of a terminal, which is gone once the work is over; a
 * terminal that cannot erase gets one plain line. Nothing where none reads it.
 */
export function progressOn(options: ProgressOptions): Progress {
  const { screen, clock, write } = options;
  return async (first, work) => {
    if (screen.columns === undefined) return await work(() => {});
    const columns = screen.columns;
    const over = new AbortController();
    const began = clock.elapsed();
    let text = first;
    let isShown = false;
    const draw = () => {
      if (!screen.steerable) {
        if (!isShown) write(`${plain(text)} ...\n`);
        isShown = true;
        return;
      }
      isShown = true;
      const seconds = Math.round((clock.elapsed() - began) / 1_000);
      const line = `${plain(text)} ... ${seconds} s`;
      write(ERASE + cutTo(columns - 1, line));
    };
    const drawing = (async () => {
      await clock.sleep(QUIET_MS, over.signal);
      for (;;) {
        draw();
        await clock.sleep(TICK_MS, over.signal);
      }
    })().catch((error) => {
      if (!over.signal.aborted) throw error;
    });
    try {
      return await work((next) => {
        text = next;
        if (isShown) draw();
      });
    } finally {
      over.abort();
      await drawing;
      if (isShown && screen.steerable) write(ERASE);
    }
  };
}
