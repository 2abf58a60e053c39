import { ConfigError } from "../config/config_error.ts";
import type { Config } from "../config/settings.ts";
import type { Clock } from "../platform/clock.ts";
import type { Identity } from "../store/identity.ts";
import { bearerFor } from "../uplink/bearer.ts";
import { Dialect1Uplink } from "../uplink/dialect1_uplink.ts";
import { Dialect2Uplink } from "../uplink/dialect2_uplink.ts";
import type { HttpCaller } from "../uplink/http_caller.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";

/** What {@linkcode nodeUplinkFor} works with. */
export interface NodeUplinkParts {
  readonly http: HttpCaller;
  readonly config: Pick<Config, "api.dialect">;
  /** Version of plexd. */
  readonly version: string;
  readonly clock: Clock;
}

/**
 * The control plane as a registered node sees it, in the dialect that was
 * settled when it joined.
 *
 * @throws {ConfigError} when another dialect is asked for: keys, cursors and
 * answers of one mean nothing in the other.
 */
export function nodeUplinkFor(
  identity: Identity,
  { http, config, version, clock }: NodeUplinkParts,
): NodeUplink {
  const { dialect, nodeId, nodeSecretKey } = identity;
  const wanted = config["api.dialect"];
  if (wanted !== "auto" && wanted !== String(dialect)) {
    throw new ConfigError([{
      where: "api.dialect",
      what: `is ${wanted}, but this node has joined in dialect ${dialect}: ` +
        "set it to auto, or join anew with plexd join --force",
    }]);
  }
  const text = bearerFor(dialect, nodeId, nodeSecretKey);
  const common = { http, nodeId, bearer: () => text };
  return dialect === 1
    ? new Dialect1Uplink(common)
    : new Dialect2Uplink({ ...common, version, clock });
}
