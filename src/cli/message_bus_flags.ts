import type { MessageBusSettings } from "../control_plane/nats/message_bus.ts";
import { describeError } from "../platform/log.ts";
import { parseDuration } from "../wire/duration.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";

/** Shorter, a node would do little else than to ask for new ones. */
const MIN_TTL_MS = 10_000;
/** What is revoked meanwhile is good for so long, at most, to connect with. */
const MAX_TTL_MS = 24 * 60 * 60_000;

/**
 * What `plexd control-plane` is told of a message bus; undefined for none.
 *
 * @throws {CommandError} with exit code 2 or 78.
 */
export async function messageBusFrom(
  flags: Invocation["flags"],
): Promise<MessageBusSettings | undefined> {
  const servers = urlsFrom(flags, "--nats");
  const advertised = urlsFrom(flags, "--nats-advertise");
  const credentialsTtlMs = ttlFrom(flags["--nats-credentials-ttl"]);
  const ca = await caFrom(flags["--nats-ca"]);
  if (!servers) {
    const alone = ["--nats-advertise", "--nats-credentials-ttl", "--nats-ca"]
      .find((name) => flags[name] !== undefined);
    if (alone === undefined) return undefined;
    throw new CommandError(EXIT.wrongUsage, `${alone} goes with --nats`);
  }
  return {
    servers,
    ...(advertised ? { advertised } : {}),
    ...(credentialsTtlMs === undefined ? {} : { credentialsTtlMs }),
    ...(ca === undefined ? {} : { ca }),
  };
}

function urlsFrom(
  flags: Invocation["flags"],
  name: string,
): readonly string[] | undefined {
  const flag = flags[name];
  if (typeof flag !== "string") return undefined;
  const urls = flag.split(",").map((one) => one.trim());
  for (const text of urls) {
    if (isServer(text)) continue;
    throw new CommandError(
      EXIT.wrongUsage,
      // Without what it may hold of a password.
      `${name} names servers as nats://HOST:PORT, or as tls://NAME:PORT`,
      `such as ${name} nats://127.0.0.1:4222`,
    );
  }
  return urls;
}

/** With TLS the client compares names, and no addresses. */
function isServer(text: string): boolean {
  const address = /^tls:\/\/(?:\[|[\d.]+:)/;
  return !address.test(text) &&
    /^(?:nats|tls):\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/
      .test(text);
}

function ttlFrom(flag: string | true | undefined): number | undefined {
  if (typeof flag !== "string") return undefined;
  const ms = parseDuration(flag);
  if (ms !== undefined && ms >= MIN_TTL_MS && ms <= MAX_TTL_MS) return ms;
  throw new CommandError(
    EXIT.wrongUsage,
    `--nats-credentials-ttl is a duration from 10s to 24h, not "${flag}"`,
    "such as 15m",
  );
}

async function caFrom(
  flag: string | true | undefined,
): Promise<string | undefined> {
  if (typeof flag !== "string") return undefined;
  try {
    return await Deno.readTextFile(flag);
  } catch (cause) {
    throw new CommandError(
      EXIT.badConfiguration,
      `the certificates of --nats-ca cannot be read: ${describeError(cause)}`,
    );
  }
}
