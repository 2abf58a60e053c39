import type { Config } from "../config/settings.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { Announcer } from "../sync/announcer.ts";
import { capabilitiesOf, type Hook } from "../sync/capabilities.ts";
import {
  applyPeerEndpoints,
  type PeerDirectory,
} from "../sync/peer_endpoints.ts";
import type { NodeNat, NodeUplink } from "../uplink/node_uplink.ts";
import { binarySha256 } from "./binary_checksum.ts";

/** What {@linkcode buildAnnouncements} works with. */
export interface AnnouncementNeeds {
  readonly config: Config;
  readonly version: string;
  readonly uplink: Pick<NodeUplink, "updateCapabilities" | "reportEndpoint">;
  readonly peers: PeerDirectory;
  /** What the operator allows the control plane to run. */
  readonly hooks: () => Promise<readonly Hook[]>;
  /** Asks for a pull of the whole state, for the reason given. */
  readonly pull: (reason: string) => void;
  readonly io: Platform;
}

/**
 * Executables can be replaced while the agent runs, and actions are asked for by
 * their checksums. Each look reads all of them.
 */
const LOOK_EVERY_MS = 300_000;

/** Puts together what tells what the node can do and where it is. */
export function buildAnnouncements(needs: AnnouncementNeeds): readonly Part[] {
  const { config, version, uplink, hooks, pull, io } = needs;
  const capabilities = new Announcer({
    name: "capabilities",
    content: () => capabilitiesOf({ version, binarySha256, hooks }),
    lookEveryMs: LOOK_EVERY_MS,
    send: (content, signal) => uplink.updateCapabilities(content, signal),
    io,
  });
  const endpoint = new Announcer<NodeNat>({
    name: "endpoint",
    content: () => Promise.resolve(natOf(config)),
    async send({ publicEndpoint, natType }, signal) {
      const peers = await uplink.reportEndpoint(
        publicEndpoint,
        natType,
        signal,
      );
      const known = await applyPeerEndpoints(needs.peers, peers);
      if (!known) pull("endpoints of unknown peers");
    },
    io,
  });
  return [capabilities, endpoint];
}

/** How the node is reached, as far as the operator has said it. */
export function natOf(config: Config): NodeNat | undefined {
  const publicEndpoint = config["nat.public_endpoint"];
  if (publicEndpoint === undefined) return undefined;
  return { publicEndpoint, natType: config["nat.type"] };
}
