import type { Clock } from "../../platform/clock.ts";
import { describeError } from "../../platform/log.ts";
import type { Dialect } from "../../wire/dialect.ts";
import type { BusPrograms } from "./bus_child.ts";
import type { DevFolders } from "./folders.ts";
import { HostileProxy } from "./hostile_proxy.ts";
import {
  TOUR_STEPS,
  TOUR_STEPS_WITH_BUS,
  type TourStage,
} from "./tour_steps.ts";
import { type Transport, World } from "./world.ts";

/** Settings that let the tour see in a second what otherwise takes minutes. */
const QUICK_SETTINGS = {
  reconcile: { interval: "1s" },
  stream: { backoff_base: "100ms", backoff_max: "500ms" },
  node_api: { debounce_period: "200ms" },
};

/** Options for {@linkcode runTour}. */
export interface TourOptions {
  readonly folders: DevFolders;
  /** Dialect that the node joins in. */
  readonly dialect: Dialect;
  readonly transport: Transport;
  /** Programs of the message bus; absent for none. */
  readonly bus?: BusPrograms;
  readonly clock: Clock;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Shows the whole system working, without a person.
 *
 * @returns 0, or 1 when a step failed.
 */
export async function runTour(options: TourOptions): Promise<number> {
  const { clock, print, signal } = options;
  const world = new World({
    ...options,
    logs: {},
    agentSettings: QUICK_SETTINGS,
  });
  const steps = world.hasBus ? TOUR_STEPS_WITH_BUS : TOUR_STEPS;
  const proxy = new HostileProxy(() => world.url);
  const stage: TourStage = { world, proxy };
  const began = clock.elapsed();
  try {
    for (const { title, run } of steps) {
      const start = clock.elapsed();
      const took = () => `${((clock.elapsed() - start) / 1000).toFixed(2)} s`;
      try {
        await run(stage);
        print(`  ok    ${took().padStart(7)}  ${title}`);
      } catch (error) {
        if (signal.aborted) throw error;
        print(`  FAIL  ${took().padStart(7)}  ${title}`);
        print(`        ${describeError(error)}`);
        print("        The last lines of the processes:");
        for (const line of world.lastLines) print(`        ${line}`);
        return 1;
      }
    }
  } finally {
    await world.stop();
    await proxy.close();
  }
  const seconds = ((clock.elapsed() - began) / 1000).toFixed(1);
  print(`\nAll ${steps.length} steps passed in ${seconds} s.`);
  return 0;
}
