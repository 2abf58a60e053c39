import type { Part } from "../platform/part.ts";
import type { Heartbeat } from "../sync/heartbeat.ts";
import { WakeWatch } from "../sync/wake_watch.ts";
import type { Downstream } from "./downstream.ts";
import type { NodeContext } from "./node_context.ts";

/**
 * What follows when the machine has slept: credentials first, since all else is
 * asked with them, then the stream, a pull and a heartbeat.
 */
export function buildWakeWatch(
  { store, io }: Pick<NodeContext, "store" | "io">,
  { carriers, reconciler }: Pick<Downstream, "carriers" | "reconciler">,
  heartbeat: Pick<Heartbeat, "now">,
): Part {
  return new WakeWatch({
    async onWake(sleptMs, signal) {
      const seconds = Math.round(sleptMs / 1_000);
      store.transitions.note("wake", { reason: `after ${seconds} s` });
      io.log.info("The machine was asleep, or its clock was set ahead", {
        slept_s: seconds,
      });
      try {
        await carriers.woke(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
        return;
      }
      reconciler.trigger("wake");
      heartbeat.now();
    },
    clock: io.clock,
  });
}
