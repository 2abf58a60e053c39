import { Places } from "../../src/node_api/guard/places.ts";
import {
  openTcpListener,
  parseTcpAddress,
} from "../../src/node_api/tcp_listener.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { readCanned } from "./canned_answer.ts";
import { silentLog } from "./silent_log.ts";

/**
 * A bare server behind the guard of the TCP listener: beside one without it,
 * what the guard costs.
 *
 * Arguments: `127.0.0.1:port`, file with `{body, headers}`, path of the socket
 * behind the guard. Ends when standard input does.
 */
const [place, answerFile, innerPath] = Deno.args;

await openTcpListener({
  address: parseTcpAddress(place!),
  handler: readCanned(answerFile!),
  innerPath: innerPath!,
  limits: {
    places: new Places(1_024, systemClock),
    headerTimeoutMs: 10_000,
    idleTimeoutMs: 60_000,
  },
  refused() {},
  clock: systemClock,
  log: silentLog,
});

await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();
