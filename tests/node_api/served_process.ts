/**
 * Serves an empty node on the socket that is its argument until standard input
 * ends; log lines go to standard output.
 */
import { NodeApi } from "../../src/node_api/node_api.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { createLogger, formatTextLine } from "../../src/platform/log.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { FakeSources } from "./fake_sources.ts";

const encoder = new TextEncoder();
const print = (text: string) => {
  Deno.stdout.writeSync(encoder.encode(text));
};
const sources = new FakeSources();
const api = new NodeApi({
  state: sources.state,
  reports: sources.reports,
  secrets: sources.secrets,
  status: () => sources.status(),
  events: () => sources.events(),
  watchers: sources.watchers,
  freshness: () => sources.freshness(),
  settings: { socketPath: Deno.args[0]!, splitSecrets: false, group: "" },
  io: {
    clock: systemClock,
    random: systemRandom,
    log: createLogger({
      clock: systemClock,
      format: formatTextLine,
      write: print,
    }),
  },
});
const stop = new AbortController();
const stopped = api.run(stop.signal);
await api.ready;
print("ready\n");
await Deno.stdin.readable.pipeTo(new WritableStream());
stop.abort();
await stopped;
