/** JetStream stream of all events. */
export const STREAM = "PLEXD_EVENTS";

/** Everything that {@linkcode eventSubject} can give. */
export const STREAM_SUBJECTS = "plexd.v1.*.*.events";

/**
 * How long an event stays on the bus: nodes refuse what was signed more than
 * five minutes ago, and one that was away for longer pulls its state.
 */
export const MAX_AGE_MS = 5 * 60_000;

/** The account's and the stream's share of the disk; the oldest go first. */
export const STREAM_BYTES = 256 * 1024 * 1024;

/** Durable consumer of a node: ids are UUIDs, so they are names already. */
export function consumerOf(nodeId: string): string {
  return nodeId;
}

/** Where answers to a node go: no other user may listen there. */
export function inboxPrefixOf(nodeId: string): string {
  return `_INBOX.node-${nodeId}`;
}

/** Where answers to the control plane go. */
export const OWN_INBOX_PREFIX = "_INBOX.control-plane";
