/** An open listener. */
export interface Listener {
  /** Settles when it no longer accepts: rejected when descriptors ran out. */
  readonly finished: Promise<void>;
  /** Connections that are open now; absent where the runtime does not tell. */
  readonly connections?: number;
  /** What is at the listener's place on disk. */
  place(): Place;
  /**
   * Whether anybody listens at its place. Deno 2.7 stops listening when it has no
   * descriptor for a connection, but `finished` waits for all the others there.
   */
  isListening(): Promise<boolean>;
  /** Drops what is still connected, and takes away what it left on disk. */
  close(): Promise<void>;
}

/**
 * - `kept`: the listener's own socket, so new clients find it
 * - `gone`: nothing, so nobody can connect any more
 * - `taken`: something else, which belongs to somebody else
 */
export type Place = "kept" | "gone" | "taken";

/** What a listener does with each request. */
export type RequestHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo,
) => Response | Promise<Response>;
