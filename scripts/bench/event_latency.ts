import { systemClock } from "../../src/platform/clock.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { Dialect1Uplink } from "../../src/uplink/dialect1_uplink.ts";
import { openReceiver } from "./event_receiver.ts";
import { print } from "./print.ts";
import { silentLog } from "./silent_log.ts";
import { wallMs } from "./wall_ms.ts";

/**
 * Follows the stream of the event sender to its end, and prints as a JSON array
 * when each event was durable and visible, ms since the Unix epoch.
 *
 * Arguments: folder, address of the sender, its public key.
 */
const [folder, baseUrl, publicKey] = Deno.args;
const { store, receive } = await openReceiver(folder!, publicKey!);
const client = new ControlClient({
  baseUrl: baseUrl!,
  version: "0.0.0",
  clock: systemClock,
  log: silentLog,
});
const uplink = new Dialect1Uplink({
  http: client.http,
  nodeId: "bench",
  bearer: () => "bench",
});

const visibleMs: number[] = [];
store.state.onChange(({ position }) => {
  const nowMs = wallMs();
  // Several may share a commit. The first event has the number 2.
  const visible = (position?.version ?? 1) - 1;
  while (visibleMs.length < visible) visibleMs.push(nowMs);
});
await receive((lastEventId, signal) => uplink.openEvents(lastEventId, signal));
await store.close();
print(JSON.stringify(visibleMs));
