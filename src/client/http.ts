/**
 * Where an agent listens: the path of a socket, or the address of its TCP
 * listener with the bearer that every request carries.
 */
export type Target = string | {
  /** Such as `http://127.0.0.1:9100`. */
  readonly url: string;
  readonly bearer: string;
};

/** One request, whatever carries it. */
export interface RawRequest {
  readonly method: string;
  /** With its query, each key percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Ends the request, also while its answer is being read. */
  readonly signal: AbortSignal;
}

/** An answer whose body is still to be read. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Bytes as they come. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** One way to speak HTTP. */
export interface Http {
  /** Asks on a connection of its own. @throws whatever went wrong. */
  open(target: Target, request: RawRequest): Promise<RawAnswer>;
  /** What a failure of {@linkcode Http.open} meant for the connection. */
  reason(
    target: Target,
    failure: unknown,
  ): Promise<"not_running" | "no_permission" | "bad_answer">;
}

/** How a target is named in messages: never with its bearer. */
export function nameOf(target: Target): string {
  return typeof target === "string" ? target : target.url;
}
