import type { ControlClient } from "../../src/uplink/control_client.ts";
import { Dialect1Uplink } from "../../src/uplink/dialect1_uplink.ts";

/** The control plane of a client, as node `n` sees it in dialect 1. */
export function nodeOf(client: ControlClient, bearer = "b"): Dialect1Uplink {
  return new Dialect1Uplink({
    http: client.http,
    nodeId: "n",
    bearer: () => bearer,
  });
}
