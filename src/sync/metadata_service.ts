import type { Clock } from "../platform/clock.ts";

/** Options for {@linkcode metadataToken}. */
export interface MetadataServiceOptions {
  /** @default {"http://169.254.169.254"} */
  readonly baseUrl?: string;
  /** @default {"/plexd/bootstrap-token"} */
  readonly path?: string;
  /** Time for each of the two calls. @default {2000} */
  readonly timeoutMs?: number;
  readonly clock: Clock;
}

/** Longest answer that is read; a session token and a bootstrap token both fit. */
const MAX_BYTES = 512;

/**
 * Asks the cloud's metadata service for a bootstrap token, with a session token
 * where the service gives one.
 *
 * @returns undefined when there is no service, or it has no token.
 * @see docs/wire.md, section c.2
 */
export async function metadataToken(
  options: MetadataServiceOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const {
    baseUrl = "http://169.254.169.254",
    path = "/plexd/bootstrap-token",
  } = options;
  const session = await ask(
    `${baseUrl}/latest/api/token`,
    {
      method: "PUT",
      headers: { "X-aws-ec2-metadata-token-ttl-seconds": "21600" },
    },
    options,
    signal,
  );
  return await ask(
    `${baseUrl}${path}`,
    {
      headers: session ? { "X-aws-ec2-metadata-token": session } : {},
    },
    options,
    signal,
  );
}

/** The body of a 200; undefined for anything else, and for none in time. */
async function ask(
  url: string,
  init: RequestInit,
  { timeoutMs = 2_000, clock }: MetadataServiceOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const timer = clock.sleep(timeoutMs, either).then(
    () => over.abort(),
    () => {},
  );
  try {
    const answer = await fetch(url, {
      ...init,
      redirect: "manual",
      signal: either,
    });
    const text = await boundedText(answer);
    return answer.status === 200 ? text : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    // No such service here: the next source is as good.
    return undefined;
  } finally {
    over.abort();
    await timer;
  }
}

async function boundedText(answer: Response): Promise<string | undefined> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_BYTES) return undefined;
  }
  return text.trim();
}
