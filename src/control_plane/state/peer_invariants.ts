import { isIPv4, isIPv6 } from "node:net";
import type { Logger } from "../../platform/log.ts";
import { UUID } from "../../wire/uuid.ts";
import type { PeerRow } from "./composition_source.ts";

const NIL = "00000000-0000-0000-0000-000000000000";

/** Whose snapshot is composed. */
export interface Addressed {
  readonly nodeId: string;
  readonly domainId: string;
}

/** Rows that can be told, and why the others cannot. */
interface Checked {
  readonly sound: readonly PeerRow[];
  readonly broken: readonly {
    readonly row: PeerRow;
    readonly outcome: string;
  }[];
}

/** Lists that cannot change are checked once. */
const known = new WeakMap<readonly PeerRow[], Checked>();

/**
 * The rows that nodes can be told of, the addressed one among them if it is. A
 * corrupt row of another node is dropped with one warning each, so that it
 * neither reaches a node nor costs it the others.
 *
 * @see seed Reconciliation pull, "Per-peer invariants"
 */
export function soundPeers(
  rows: readonly PeerRow[],
  { nodeId, domainId }: Addressed,
  log: Logger,
): readonly PeerRow[] {
  const { sound, broken } = checked(rows);
  for (const { row, outcome } of broken) {
    if (row.nodeId === nodeId) continue;
    log.warn("Peer dropped from a state", {
      outcome,
      domain_id: domainId,
      addressed_node_id: nodeId,
      peer_node_id: row.nodeId,
    });
  }
  return sound;
}

function checked(rows: readonly PeerRow[]): Checked {
  const before = known.get(rows);
  if (before) return before;
  const broken: { row: PeerRow; outcome: string }[] = [];
  const sound = rows.filter((row) => {
    const outcome = brokenInvariant(row);
    if (outcome !== undefined) broken.push({ row, outcome });
    return outcome === undefined;
  });
  if (Object.isFrozen(rows)) known.set(rows, { sound, broken });
  return { sound, broken };
}

function brokenInvariant({ nodeId, meshIp, publicKey }: PeerRow) {
  if (!UUID.test(nodeId) || nodeId === NIL) return "invalid_node_id";
  if (!isUsable(meshIp)) return "invalid_mesh_ip";
  if (publicKey === "") return "empty_public_key";
  return undefined;
}

/** An address of a host: neither no address at all nor the one for "any". */
function isUsable(address: string): boolean {
  if (isIPv4(address)) return address !== "0.0.0.0";
  return isIPv6(address) && /[1-9a-f]/i.test(address.replace(/%.*$/, ""));
}
