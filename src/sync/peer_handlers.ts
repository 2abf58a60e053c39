import type { Clock } from "../platform/clock.ts";
import type { StateView } from "../store/state_view.ts";
import type { VerifiedEvent } from "../wire/envelope.ts";
import {
  parsePeerPayload,
  type PeerPayload,
  wholePeer,
} from "../wire/peer_payload.ts";
import type { Peer } from "../wire/state.ts";
import type { Effect, Handler } from "./handler.ts";
import type { PeerDirectory } from "./peer_endpoints.ts";
import { RefusedEventError } from "./refused_event_error.ts";

/** What the handlers of peer events work with. */
export interface PeerHandlerOptions {
  readonly directory: PeerDirectory;
  readonly nodeId: string;
  /** Absent where the control plane does not name domains. */
  readonly domainId?: string;
  /** Asks for a pull of the whole state, for the reason given. */
  readonly pull: (reason: string) => void;
  readonly clock: Clock;
}

/** Ids of peers of which the time of their last event is remembered. */
const MAX_REMEMBERED = 10_000;

/**
 * Peers to which events add no other: who signs them could fill the memory while
 * pulls fail. A pull, which is bounded itself, says who there is beyond that.
 */
const MAX_PEERS = 10_000;

/** Makes the new list of peers; undefined when an event leaves too much open. */
type Change = (
  peers: readonly Peer[],
  payload: PeerPayload,
) => readonly Peer[] | undefined;

/**
 * The handlers of all events about peers, by type, in both dialects' spellings.
 * They keep the stored peer directory; a pull then brings what the control
 * plane itself says, as these events carry no number of a state.
 *
 * @see docs/wire.md, sections b.5 and h.8
 */
export function peerHandlers(
  options: PeerHandlerOptions,
): ReadonlyMap<string, Handler> {
  const latest = new Map<string, number>();
  const by = (change: Change): Handler => ({
    handle: (event) => handle(event, change, latest, options),
  });
  const put = by(merge);
  const removal = by(remove);
  return new Map([
    ["peer_added", put],
    ["peer_registered", put],
    ["peer_key_rotated", put],
    ["peer_endpoint_changed", put],
    ["peer_removed", removal],
    ["peer_deregistered", removal],
  ]);
}

async function handle(
  event: VerifiedEvent,
  change: Change,
  latest: Map<string, number>,
  { directory, nodeId, domainId, pull, clock }: PeerHandlerOptions,
): Promise<Effect> {
  const payload = parsePeerPayload(event.payload);
  const isForeign =
    payload.domainId !== undefined && payload.domainId !== domainId ||
    payload.nodeId !== undefined && payload.nodeId !== nodeId;
  if (isForeign) {
    throw new RefusedEventError("foreign", "it is for another node or domain");
  }
  // A node is no peer of its own.
  if (payload.id === nodeId) return "known";
  refuseOlder(latest, payload.id, event.issuedAtMs, clock.now());
  let effect = "known" as Effect;
  await directory.update(({ peers }: Pick<StateView, "peers">) => {
    const changed = change(peers, payload);
    effect = changed === peers ? "known" : "applied";
    return changed && changed !== peers ? { peers: changed } : undefined;
  });
  if (effect === "applied") pull(`event ${event.type}`);
  return effect;
}

/**
 * An event that is dated ahead counts as issued when it came: it would
 * otherwise shut out all that follow it.
 *
 * @throws {RefusedEventError} kind "outdated" after a later event of the peer.
 */
function refuseOlder(
  latest: Map<string, number>,
  id: string,
  issuedAtMs: number,
  nowMs: number,
) {
  const issuedMs = Math.min(issuedAtMs, nowMs);
  if (issuedMs < Math.min(latest.get(id) ?? -Infinity, nowMs)) {
    throw new RefusedEventError("outdated", "a later event was applied");
  }
  latest.delete(id);
  latest.set(id, issuedMs);
  if (latest.size > MAX_REMEMBERED) {
    // The first one is the one that was heard of longest ago.
    latest.delete(latest.keys().next().value!);
  }
}

function merge(
  peers: readonly Peer[],
  payload: PeerPayload,
): readonly Peer[] | undefined {
  const known = peers.find((peer) => peer.id === payload.id);
  if (!known) {
    if (peers.length >= MAX_PEERS) return undefined;
    const peer = wholePeer(payload);
    return peer && [...peers, peer];
  }
  const merged = {
    id: known.id,
    publicKey: payload.publicKey ?? known.publicKey,
    meshIp: payload.meshIp ?? known.meshIp,
    endpoint: payload.endpoint ?? known.endpoint,
    allowedIps: payload.allowedIps ?? known.allowedIps,
  };
  if (isSame(known, merged)) return peers;
  return peers.map((peer) => peer === known ? merged : peer);
}

function remove(
  peers: readonly Peer[],
  { id }: PeerPayload,
): readonly Peer[] {
  const left = peers.filter((peer) => peer.id !== id);
  return left.length < peers.length ? left : peers;
}

function isSame(a: Peer, b: Peer): boolean {
  return a.publicKey === b.publicKey && a.meshIp === b.meshIp &&
    a.endpoint === b.endpoint &&
    a.allowedIps.length === b.allowedIps.length &&
    a.allowedIps.every((ip, at) => ip === b.allowedIps[at]);
}
