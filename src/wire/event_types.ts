/**
 * The event types of the control plane's stream.
 *
 * @see seed Control Plane Client, "Event Type Constants"
 */
export const EVENT_TYPES = [
  "peer_added",
  "peer_removed",
  "peer_key_rotated",
  "peer_endpoint_changed",
  "policy_updated",
  "action_request",
  "session_revoked",
  "ssh_session_setup",
  "rotate_keys",
  "signing_key_rotated",
  "node_state_updated",
  "node_secrets_updated",
] as const;

/**
 * Types that public control planes of either dialect send beside those: each
 * says that a part of the state has changed.
 *
 * @see docs/wire.md, sections b.5 and h.8
 */
export const HINT_EVENT_TYPES = [
  "bridge_config_updated",
  "relay_session_assigned",
  "relay_session_revoked",
  "user_access_config_updated",
  "user_access_peer_assigned",
  "user_access_peer_revoked",
  "ingress_config_updated",
  "ingress_rule_assigned",
  "ingress_rule_revoked",
  "site_to_site_config_updated",
  "site_to_site_tunnel_assigned",
  "site_to_site_tunnel_revoked",
  "peer_psk_assigned",
  "session_setup",
  "reachability_changed",
] as const;

/** Every type that has a name here; others are unknown. */
export const ALL_EVENT_TYPES: ReadonlySet<string> = new Set([
  ...EVENT_TYPES,
  ...HINT_EVENT_TYPES,
  "peer_registered",
  "peer_deregistered",
]);

export type EventType = typeof EVENT_TYPES[number];
