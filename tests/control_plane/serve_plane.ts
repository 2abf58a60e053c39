/**
 * A control plane in a process of its own, for tests that kill or starve it.
 * Prints its address, then serves until standard input ends.
 *
 * Argument: the data folder.
 */
import { createControlPlane } from "../../src/control_plane/control_plane.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const plane = await createControlPlane({
  dataDir: Deno.args[0]!,
  listen: { hostname: "127.0.0.1", port: 0 },
  version: "1",
  io: { clock: systemClock, random: systemRandom, log: new MemoryLog() },
});
const stop = new AbortController();
const running = plane.run(stop.signal);
await Deno.stdout.write(new TextEncoder().encode(plane.url + "\n"));
await new Response(Deno.stdin.readable).text();
stop.abort();
await running;
