import { settle } from "../fakes/fake_clock.ts";

/** A request as the server saw it, its body already read. */
export interface SeenRequest {
  readonly method: string;
  /** Path with query, as sent. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

type Answer = Response | Promise<Response>;

/** A real HTTP server on a free loopback port, gone at the end of its scope. */
export class TestServer implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(handler: (request: SeenRequest) => Answer) {
    this.#server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      signal: this.#stop.signal,
      onListen() {},
    }, async (request) => {
      const seen = {
        method: request.method,
        path: request.url.slice(new URL(request.url).origin.length),
        headers: request.headers,
        body: new Uint8Array(await request.arrayBuffer()),
      };
      this.seen.push(seen);
      return await handler(seen);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}

/** A TCP server that answers every connection with raw bytes, then hangs up. */
export class RawServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #done: Promise<void>;
  readonly #connections: Deno.Conn[] = [];
  readonly #watching: Promise<void>[] = [];
  #closed = false;
  /** Connections that were kept open here, and have been ended by the client. */
  left = 0;

  /** @param hold Keeps the connection open after the bytes. */
  constructor(answer: string, hold = false) {
    this.#done = this.#serve(answer, hold);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async #serve(answer: string, hold: boolean) {
    try {
      for await (const connection of this.#listener) {
        this.#connections.push(connection);
        await connection.read(new Uint8Array(65_536));
        await connection.write(new TextEncoder().encode(answer));
        if (hold) {
          this.#watching.push(this.#watch(connection));
          continue;
        }
        this.#connections.pop();
        connection.close();
      }
    } catch (error) {
      // Closing the connection under a pending read ends the loop.
      if (!this.#closed) throw error;
    }
  }

  async #watch(connection: Deno.Conn) {
    const buffer = new Uint8Array(65_536);
    try {
      while (await connection.read(buffer) !== null);
    } catch {
      // It was reset, or closed from here.
    }
    if (!this.#closed) this.left++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await this.#done;
    await Promise.all(this.#watching);
  }
}

/** Waits for real I/O, without looking at a clock. */
export async function until(
  what: string,
  condition: () => boolean,
): Promise<void> {
  for (let turn = 0; turn < 200_000; turn++) {
    if (condition()) return;
    await settle(1);
  }
  throw new Error(`Waited in vain until ${what}`);
}

/** The error that a promise rejects with. */
export async function failureFrom(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("Expected a rejection");
}

/** A signal that tells how many listeners wait for it. */
export class CountedAbort extends AbortController {
  listeners = 0;

  constructor() {
    super();
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...rest: Parameters<typeof add>) => {
      this.listeners++;
      add(...rest);
    };
    signal.removeEventListener = (...rest: Parameters<typeof remove>) => {
      this.listeners--;
      remove(...rest);
    };
  }
}
