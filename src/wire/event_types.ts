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

export type EventType = typeof EVENT_TYPES[number];
