/**
 * A client of plexd's local API, for programs on a node. It imports nothing,
 * and runs in Deno, and in Node from 20.16 on.
 *
 * ```ts
 * const client = new PlexdClient();
 * const region = await client.metadataValue("region");
 * console.log(region.value.value);
 * ```
 *
 * @module
 * @see docs/local-api.md
 */
export {
  call,
  type CallOptions,
  type LocalAnswer,
  type Method,
} from "./call.ts";
export { type ClientClock, machineClock } from "./client_clock.ts";
export type * from "./documents.ts";
export { ApiError, LocalCallError, type LocalCallFailure } from "./errors.ts";
export type { Target } from "./http.ts";
export {
  API_SOCKET,
  type NewReport,
  PlexdClient,
  type PlexdClientOptions,
  type Probe,
  type PutOptions,
  type Read,
  SECRETS_SOCKET,
  type WaitOptions,
  type WriteOptions,
  type Written,
} from "./plexd_client.ts";
export { watch, type WatchNews, type WatchOptions } from "./watch.ts";
