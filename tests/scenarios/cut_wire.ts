/** A wire between an agent and a server here, which can be cut. */
export class CutWire {
  readonly #listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #open = new Set<Deno.Conn>();
  readonly #target: number;

  /** @param target Port of the server. */
  constructor(target: number) {
    this.#target = target;
    void this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Ends all connections that there are, without a word. */
  cut(): void {
    for (const connection of this.#open) {
      try {
        connection.close();
      } catch (error) {
        // The other end was faster.
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    this.#open.clear();
  }

  close(): void {
    this.#listener.close();
    this.cut();
  }

  async #serve(): Promise<void> {
    for await (const here of this.#listener) {
      void this.#connect(here);
    }
  }

  async #connect(here: Deno.TcpConn): Promise<void> {
    this.#open.add(here);
    try {
      const there = await Deno.connect({
        port: this.#target,
        hostname: "127.0.0.1",
      });
      this.#open.add(there);
      const ways = [
        here.readable.pipeTo(there.writable),
        there.readable.pipeTo(here.writable),
      ];
      await Promise.allSettled(ways);
      this.#open.delete(there);
    } catch {
      // The server is gone.
    }
    this.#open.delete(here);
  }
}
