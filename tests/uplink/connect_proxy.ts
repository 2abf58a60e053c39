/**
 * A proxy for `CONNECT` and for plain requests. Whatever host is asked for, it
 * connects to the one given address, so that names need not exist.
 */
export class ConnectProxy implements AsyncDisposable {
  /** First line and headers of each request. */
  readonly seen: string[] = [];
  readonly #listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #port: number;
  readonly #open = new Set<Deno.Conn>();
  readonly #done: Promise<void>;

  /** @param port Of this machine, where everything goes. */
  constructor(port: number) {
    this.#port = port;
    this.#done = this.#serve();
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async #serve() {
    const serving: Promise<void>[] = [];
    for await (const client of this.#listener) {
      this.#open.add(client);
      serving.push(this.#relay(client).catch(() => {}));
    }
    await Promise.all(serving);
  }

  async #relay(client: Deno.Conn) {
    const buffer = new Uint8Array(16_384);
    const length = await client.read(buffer) ?? 0;
    const head = new TextDecoder().decode(buffer.subarray(0, length));
    if (length === 0) return;
    this.seen.push(head);
    const target = await Deno.connect({ port: this.#port });
    this.#open.add(target);
    if (head.startsWith("CONNECT ")) {
      await client.write(
        new TextEncoder().encode("HTTP/1.1 200 Connection established\r\n\r\n"),
      );
    } else {
      await target.write(buffer.subarray(0, length));
    }
    await Promise.all([
      client.readable.pipeTo(target.writable),
      target.readable.pipeTo(client.writable),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) {
      try {
        connection.close();
      } catch {
        // Its pipe has closed it.
      }
    }
    await this.#done;
  }
}
