import { answers, connectTo, getRequest } from "./http_probe.ts";
import type { PreparedNode } from "./prepare.ts";
import { STATE_PATH } from "./reads.ts";
import {
  freeAddress,
  makeNode,
  type RunningServer,
  startNode,
} from "./running_node.ts";
import type { Workshop } from "./workshop.ts";

/** Ways into the local API. */
export const LISTENERS = [
  { name: "socket", what: "socket", isTcp: false },
  { name: "tcp", what: "TCP", isTcp: true },
] as const;

/** Open all the while, so that what they cost others is part of the figures. */
const WATCHERS = 16;

/** Only a run's own agents know it. */
export const BEARER = "bench-0123456789abcdef";

/** An agent with open watchers, and its listener that is measured. */
export interface Agent {
  readonly server: RunningServer;
  readonly bearer: { readonly bearer?: string };
  stop(): Promise<void>;
}

/** Runs `plexd up` with all that the local API has. */
export async function startAgent(
  workshop: Workshop,
  isTcp: boolean,
): Promise<Agent> {
  const node = await makeNode(workshop);
  const address = freeAddress();
  const withTcp = isTcp ? listeningOn(node, address, workshop) : node;
  const process = await startNode(workshop, withTcp);
  const place = isTcp ? address : node.socket;
  await process.until(() => answers(place, STATE_PATH, BEARER));
  for (let at = 0; at < WATCHERS; at++) await watch(node.socket);
  return {
    server: { process, place },
    bearer: isTcp ? { bearer: BEARER } : {},
    stop: () => process.stop(),
  };
}

function listeningOn(
  node: PreparedNode,
  address: string,
  workshop: Workshop,
): PreparedNode {
  const tokenFile = workshop.newPath("bearer");
  Deno.writeTextFileSync(tokenFile, BEARER, { mode: 0o600 });
  return {
    ...node,
    env: {
      ...node.env,
      PLEXD_NODE_API_HTTP_ENABLED: "true",
      PLEXD_NODE_API_HTTP_LISTEN: address,
      PLEXD_NODE_API_HTTP_TOKEN_FILE: tokenFile,
    },
  };
}

/** Opens a stream of changes, which lasts as long as the agent does. */
async function watch(socket: string) {
  const conn = await connectTo(socket);
  await conn.write(new TextEncoder().encode(getRequest("/v1/watch")));
  // An agent that has gone may leave a reset behind.
  conn.readable.pipeTo(new WritableStream()).catch(() => {});
}
