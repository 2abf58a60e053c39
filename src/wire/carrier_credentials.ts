import * as z from "zod/mini";

/**
 * Where one node's events are published on a message bus: the same signed
 * envelopes as on its event stream.
 *
 * Ids are UUIDs or words, so no token of a subject needs quoting.
 */
export function eventSubject(domainId: string, nodeId: string): string {
  return `plexd.v1.${domainId}.${nodeId}.events`;
}

/** Path on which a node asks for {@linkcode CarrierCredentials}. */
export function credentialsPath(nodeId: string): string {
  return `/v1/nodes/${encodeURIComponent(nodeId)}/credentials`;
}

/** What it is asked for there. */
export const carrierRequestSchema = z.object({
  carrier: z.literal("nats"),
});

/**
 * What `POST /v1/nodes/{id}/credentials` answers: short-lived credentials with
 * which the node, and nobody else, may read its own events from a message bus.
 * Ours alone; a control plane without a bus answers 501.
 *
 * The control plane makes the durable consumer; the node only fetches from it
 * and acknowledges.
 */
export const carrierCredentialsSchema = z.object({
  carrier: z.literal("nats"),
  /** `nats://host:port` or `tls://host:port`; any of them will do. */
  servers: z.array(z.string().check(z.minLength(1))).check(z.minLength(1)),
  /** JetStream stream that holds the events. */
  stream: z.string().check(z.minLength(1)),
  /** Durable pull consumer of this node. */
  consumer: z.string().check(z.minLength(1)),
  /** As {@linkcode eventSubject} gives it. */
  subject: z.string().check(z.minLength(1)),
  /** Inbox prefix that the node may listen on. */
  inbox_prefix: z.string().check(z.minLength(1)),
  /** Claims of the user, signed by the account. */
  user_jwt: z.string().check(z.minLength(1)),
  /** Seed of the user's key pair: a secret. */
  user_seed: z.string().check(z.minLength(1)),
  /** RFC 3339 text in UTC. */
  issued_at: z.string(),
  /** RFC 3339 text in UTC; from then on the bus refuses them. */
  expires_at: z.string(),
  /** What people call the node and its domain, where the control plane says. */
  node_name: z.optional(z.string()),
  domain_id: z.optional(z.string()),
  domain_name: z.optional(z.string()),
});

/** Checked by {@linkcode carrierCredentialsSchema}. */
export type CarrierCredentials = z.infer<typeof carrierCredentialsSchema>;
