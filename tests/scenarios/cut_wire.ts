/** What is on the wire instead of a server's answer, in pieces. */
export type RawAnswer = () => Iterable<Uint8Array<ArrayBuffer>>;

/** A wire between an agent and a server here, which can be cut. */
export class CutWire {
  readonly #listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #open = new Set<Deno.Conn>();
  /** Port of the server to which connections go that come from now on. */
  target: number;
  /** Answers every connection that comes, instead of the server. */
  raw: RawAnswer | undefined;

  /** @param target Port of the server. */
  constructor(target: number) {
    this.target = target;
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
      if (this.raw) return await this.#speak(here, this.raw);
      const there = await Deno.connect({
        port: this.target,
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
      // The server is gone, or the agent has had enough.
    } finally {
      this.#open.delete(here);
    }
  }

  /** Says its piece once it has been asked something, and hangs up. */
  async #speak(here: Deno.TcpConn, raw: RawAnswer): Promise<void> {
    try {
      await here.read(new Uint8Array(65_536));
      for (const piece of raw()) {
        for (let at = 0; at < piece.length;) {
          at += await here.write(piece.subarray(at));
        }
      }
    } finally {
      // If it is not open any more, it was cut.
      if (this.#open.has(here)) here.close();
    }
  }
}
