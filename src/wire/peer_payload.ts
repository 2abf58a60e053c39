import * as z from "zod/mini";
import { parseShape, ShapeError } from "./shape_error.ts";
import type { Peer } from "./state.ts";

/** What an event says about a peer: its id, and whatever else it carries. */
export interface PeerPayload {
  readonly id: string;
  /** Absent members stay as they are. A pre-shared key is never read. */
  readonly publicKey?: string;
  readonly meshIp?: string;
  readonly endpoint?: string;
  readonly allowedIps?: readonly string[];
  /** Absent from control planes that do not name what an event is for. */
  readonly domainId?: string;
  readonly nodeId?: string;
}

/** Characters of what is said of one peer: room for hundreds of addresses. */
const MAX_LENGTH = 16_384;

const nonEmpty = z.string().check(z.minLength(1));

const peerSchema = z.object({
  id: z.optional(nonEmpty),
  peer_id: z.optional(nonEmpty),
  public_key: z.nullish(z.string()),
  mesh_ip: z.nullish(z.string()),
  endpoint: z.nullish(z.string()),
  allowed_ips: z.nullish(z.array(z.string())),
  domain_id: z.optional(z.string()),
  node_id: z.optional(z.string()),
});

/**
 * Reads the payload of a peer event, in either spelling of the peer's id.
 *
 * @throws {ShapeError} for a wrong shape, no id, or more than 16 Ki characters.
 * @see docs/wire.md, section b.5
 */
export function parsePeerPayload(text: string): PeerPayload {
  const what = "peer event payload";
  if (text.length > MAX_LENGTH) {
    throw new ShapeError(`Invalid ${what}: longer than ${MAX_LENGTH}`);
  }
  const peer = parseShape(what, peerSchema, text);
  const id = peer.id ?? peer.peer_id;
  if (id === undefined) {
    throw new ShapeError(`Invalid ${what}: it has neither id nor peer_id`);
  }
  return {
    id,
    ...(peer.public_key ? { publicKey: peer.public_key } : {}),
    ...(peer.mesh_ip ? { meshIp: peer.mesh_ip } : {}),
    ...(typeof peer.endpoint === "string" ? { endpoint: peer.endpoint } : {}),
    ...(peer.allowed_ips ? { allowedIps: peer.allowed_ips } : {}),
    ...(peer.domain_id === undefined ? {} : { domainId: peer.domain_id }),
    ...(peer.node_id === undefined ? {} : { nodeId: peer.node_id }),
  };
}

/** The peer that a payload describes alone; undefined when it leaves things out. */
export function wholePeer(payload: PeerPayload): Peer | undefined {
  const { id, publicKey, meshIp, endpoint = "", allowedIps = [] } = payload;
  if (publicKey === undefined || meshIp === undefined) return undefined;
  return { id, publicKey, meshIp, endpoint, allowedIps };
}
