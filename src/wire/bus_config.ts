import * as z from "zod/mini";

/**
 * What a message bus has to know of a control plane: who vouches for whom.
 * Nothing of it is secret.
 */
export const busConfigSchema = z.object({
  /** Claims of the operator, signed by itself. */
  operator_jwt: z.string(),
  /** Public key of the account that may look at the server itself. */
  system_account: z.string(),
  /** Claims of each account, by its public key. */
  accounts: z.record(z.string(), z.string()),
});

/** Checked by {@linkcode busConfigSchema}. */
export type BusConfig = z.infer<typeof busConfigSchema>;

/** Where a nats-server listens, and where it keeps its stream. */
export interface BusPlace {
  /** `HOST:PORT` */
  readonly listen: string;
  readonly storeDir: string;
}

/**
 * Configuration file of a nats-server that trusts one control plane.
 *
 * Texts are quoted as in JSON, which that format takes.
 */
export function natsServerConfig(
  { operator_jwt, system_account, accounts }: BusConfig,
  { listen, storeDir }: BusPlace,
): string {
  const preload = Object.entries(accounts)
    .map(([key, jwt]) => `  ${key}: ${quoted(jwt)}\n`);
  return `# For nats-server 2.9 or newer. Nothing in here is secret.
listen: ${quoted(listen)}
server_name: "plexd"

jetstream {
  store_dir: ${quoted(storeDir)}
  # nats-server 2.10 and newer: acknowledge only what is on the disk. Without it,
  # and always in 2.9, a power cut can take what was acknowledged in the last
  # two minutes; nodes make up for it by pulling their state.
  # sync_interval: always
}

operator: ${quoted(operator_jwt)}
system_account: ${quoted(system_account)}
resolver: MEMORY
resolver_preload {
${preload.join("")}}

# For other machines, with tls:// in --nats:
# tls { cert_file: "/etc/nats/cert.pem", key_file: "/etc/nats/key.pem" }
`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
