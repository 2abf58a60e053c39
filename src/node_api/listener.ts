/** An open listener. */
export interface Listener {
  /** Settles when it no longer accepts: rejected when descriptors ran out. */
  readonly finished: Promise<void>;
  /** Drops what is still connected, and takes away what it left on disk. */
  close(): Promise<void>;
}

/** What a listener does with each request. */
export type RequestHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo,
) => Response | Promise<Response>;
