import { setImmediate } from "node:timers";
import { isoTime } from "../../platform/clock.ts";
import type { Platform } from "../../platform/platform.ts";

/** How long a stop waits for requests that are being answered. */
const STOP_TIMEOUT_MS = 5_000;

/** Wait before a listener that ran out of descriptors is opened again. */
const REOPEN_MS = 300;

/** Options for {@linkcode HttpServer}. */
export interface HttpServerOptions {
  readonly hostname: string;
  /** 0 picks a free port, which then stays. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Answers one request; must not throw.
   *
   * @param source IP address that the request came from.
   */
  readonly handle: (request: Request, source: string) => Promise<Response>;
  readonly io: Platform;
}

/**
 * A TCP listener that survives running out of descriptors and stops gracefully.
 *
 * `Deno.serve` has a graceful stop too, but that one waits for ever for a peer
 * that sent half a request and cannot be cut short, so requests are counted here
 * and the listener is aborted when they are done.
 */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #listening = new AbortController();
  readonly #inFlight = new Set<Promise<Response>>();
  #server: Deno.HttpServer<Deno.NetAddr>;

  /**
   * Listens at once.
   *
   * @throws {Deno.errors.AddrInUse} when something listens there already.
   */
  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = this.#serve(options.port);
  }

  /** Base URL, without a trailing slash. */
  get url(): string {
    const { hostname, port } = this.#server.addr;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    return `${this.#options.tls ? "https" : "http"}://${host}:${port}`;
  }

  /**
   * Serves until `signal` aborts.
   *
   * @param leave Ends what would never end by itself, such as event streams.
   */
  async run(signal: AbortSignal, leave: () => void): Promise<void> {
    const { log, clock } = this.#options.io;
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      const error = await Promise.race([ended(this.#server), stopped]);
      if (signal.aborted) break;
      log.error("Listener failed, it will be opened again", { error });
      await this.#reopen(signal);
    }
    leave();
    await this.#answersAreOut(clock);
    this.#listening.abort();
    await ended(this.#server);
  }

  async #reopen(signal: AbortSignal) {
    const { log, clock } = this.#options.io;
    const { port } = this.#server.addr;
    for (;;) {
      await clock.sleep(REOPEN_MS, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        this.#server = this.#serve(port);
        log.warn("Listener opened again", { at: isoTime(clock.now()) });
        return;
      } catch (error) {
        log.error("Listener not opened again", { error });
      }
    }
  }

  #serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, tls } = this.#options;
    const handler = (
      request: Request,
      { remoteAddr }: Deno.ServeHandlerInfo<Deno.NetAddr>,
    ) => {
      const answer = this.#options.handle(request, remoteAddr.hostname);
      this.#inFlight.add(answer);
      const done = () => this.#inFlight.delete(answer);
      answer.then(done, done);
      return answer;
    };
    const common = {
      hostname,
      port,
      signal: this.#listening.signal,
      onListen() {},
    };
    return tls
      ? Deno.serve({ ...common, cert: tls.cert, key: tls.key }, handler)
      : Deno.serve(common, handler);
  }

  /** Bounded: a request that hangs must not keep the process from ending. */
  async #answersAreOut(clock: Platform["clock"]) {
    const done = new AbortController();
    const limit = clock.sleep(STOP_TIMEOUT_MS, done.signal).catch(() => {});
    const answered = (async () => {
      while (this.#inFlight.size > 0) {
        await Promise.allSettled(this.#inFlight);
      }
    })();
    await Promise.race([answered, limit]);
    done.abort();
    // The runtime writes an answer when it gets its turn.
    for (let turn = 0; turn < 8; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

/** What ended a listener; settles, never rejects. */
async function ended(server: Deno.HttpServer): Promise<unknown> {
  try {
    await server.finished;
    return undefined;
  } catch (error) {
    return error;
  }
}
