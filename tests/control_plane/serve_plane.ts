/**
 * A control plane in a process of its own, for tests that kill or starve it.
 * Prints its address, then serves until standard input ends.
 *
 * Argument: the data folder.
 */
import { stopSignal } from "../../src/cli/stop_signal.ts";
import { createControlPlane } from "../../src/control_plane/control_plane.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

// As the program does it, before anybody can connect: the runtime cannot open
// what it needs for signals once descriptors are short, and ends then.
using told = stopSignal({ onStdinEnd: true });
const plane = await createControlPlane({
  dataDir: Deno.args[0]!,
  listen: { hostname: "127.0.0.1", port: 0 },
  version: "1",
  io: { clock: systemClock, random: systemRandom, log: new MemoryLog() },
});
const running = plane.run(told.signal);
await Deno.stdout.write(new TextEncoder().encode(plane.url + "\n"));
await running;
