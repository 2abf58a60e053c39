/**
 * What is used of the client of the message bus. It is loaded through this file,
 * when the bus is wanted: bundled, a package that is itself imported on demand
 * has no named members.
 */
export { connect, errors, jwtAuthenticator } from "@nats-io/transport-node";
export { jetstream } from "@nats-io/jetstream";
