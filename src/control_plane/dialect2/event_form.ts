import type { StoredEvent } from "../storage/storage.ts";
import { type AnnouncedKeys, signingKeyId } from "../signing_keys.ts";
import type { WirePeer } from "../peer_changes.ts";
import {
  rawElements,
  type RawMember,
  rawMembers,
} from "../../wire/raw_json.ts";
import { dataValue, peerOf } from "../state/compose.ts";
import type { NodeStatePeer } from "../state/node_state_snapshot.ts";

/** An event in the words of dialect 2, before it is signed. */
export interface EventForm2 {
  readonly type: string;
  /** Whom it is for: `node:<id>` or `domain:<id>`. */
  readonly scope: string;
  /** JSON text without line breaks. */
  readonly payload: string;
}

/** What is called otherwise there. */
const TYPES: Readonly<Record<string, string>> = {
  peer_added: "peer_registered",
  peer_removed: "peer_deregistered",
  ssh_session_setup: "session_setup",
};

/**
 * Turns a kept event, whose payload has the words of dialect 1, into dialect 2.
 * Nodes take it as a hint and pull, but for a new signing key, which no pull
 * tells; what it carries is what that pull brings.
 *
 * @returns undefined for a change that dialect 2 cannot see.
 * @see docs/wire.md, section h.8
 */
export function eventForm2(event: StoredEvent): EventForm2 | undefined {
  // No pull lists the secrets of a node.
  if (event.type === "node_secrets_updated") return undefined;
  return {
    type: TYPES[event.type] ?? event.type,
    scope: event.nodeId === undefined
      ? `domain:${event.domainId}`
      : `node:${event.nodeId}`,
    payload: payloadOf(event),
  };
}

function payloadOf({ type, payload }: StoredEvent): string {
  switch (type) {
    case "node_state_updated":
      return stateUpdate(payload);
    case "signing_key_rotated":
      return JSON.stringify(rotation(JSON.parse(payload)));
    case "peer_added":
    case "peer_key_rotated":
    case "peer_endpoint_changed":
      return JSON.stringify(peer(JSON.parse(payload)));
    case "peer_removed":
      return JSON.stringify(removed(JSON.parse(payload)));
    default:
      return payload;
  }
}

/** The changed part in the form that a pull has it in; payloads stay as text. */
function stateUpdate(payload: string): string {
  const members = rawMembers(payload).map(([name, raw]) => {
    switch (name) {
      case "metadata":
        return `"metadata":[${rawMembers(raw).map(metadataEntry)}]`;
      case "data":
        return `"data":[${rawElements(raw).map(dataEntry)}]`;
      default:
        return `${JSON.stringify(name)}:${raw}`;
    }
  });
  return `{${members}}`;
}

function metadataEntry([key, raw]: RawMember): string {
  return `{"key":${JSON.stringify(key)},"value":${raw}}`;
}

function dataEntry(raw: string): string {
  const entry = new Map(rawMembers(raw));
  const value = dataValue(entry.get("payload") ?? "null");
  return `{"key":${entry.get("key")},"value":${JSON.stringify(value)}}`;
}

type InDomain = { readonly domain_id: string };

function rotation(
  { domain_id, current, previous, transition_expires }:
    & AnnouncedKeys
    & InDomain,
) {
  return {
    domain_id,
    key_id: signingKeyId(current),
    public_key: current,
    ...(previous === undefined
      ? {}
      : { previous_key_id: signingKeyId(previous), transition_expires }),
  };
}

function peer(
  { domain_id, id, public_key, mesh_ip, endpoint }: WirePeer & InDomain,
): NodeStatePeer & InDomain {
  const { node_id, ...members } = peerOf({
    nodeId: id,
    publicKey: public_key,
    meshIp: mesh_ip,
    endpoint,
  });
  return { domain_id, node_id, ...members };
}

function removed(
  { domain_id, peer_id }: InDomain & { readonly peer_id: string },
) {
  return { domain_id, node_id: peer_id };
}
