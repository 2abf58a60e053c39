import * as z from "zod/mini";
import type { Peer } from "./state.ts";

/**
 * Another node, in documents of dialect 1. Its pre-shared key is never read.
 *
 * @see docs/wire.md, section a.4
 */
export const wirePeerSchema = z.object({
  id: z.string().check(z.minLength(1)),
  public_key: z.string(),
  mesh_ip: z.string(),
  endpoint: z.nullish(z.string()),
  allowed_ips: z.nullish(z.array(z.string())),
});

/** What is absent or null is unknown, which is the same as empty. */
export function peerFromWire(peer: z.infer<typeof wirePeerSchema>): Peer {
  return {
    id: peer.id,
    publicKey: peer.public_key,
    meshIp: peer.mesh_ip,
    endpoint: peer.endpoint ?? "",
    allowedIps: peer.allowed_ips ?? [],
  };
}
