/**
 * Passes bytes on to a port of this machine, until it goes dark: then the
 * connections that there are stay open and carry nothing any more, as behind a
 * firewall that has forgotten them. New ones work.
 */
export class DarkRelay implements AsyncDisposable {
  readonly #listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #port: number;
  readonly #open: Deno.Conn[] = [];
  readonly #done: Promise<void>;
  #age = 0;

  /** @param port Of this machine, where everything goes. */
  constructor(port: number) {
    this.#port = port;
    this.#done = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  goDark(): void {
    this.#age++;
  }

  async #serve() {
    const passing: Promise<void>[] = [];
    for await (const near of this.#listener) {
      const far = await Deno.connect({ port: this.#port });
      this.#open.push(near, far);
      passing.push(this.#pass(near, far), this.#pass(far, near));
    }
    await Promise.all(passing);
  }

  async #pass(from: Deno.Conn, to: Deno.Conn) {
    const age = this.#age;
    const buffer = new Uint8Array(16_384);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null) return;
        if (age < this.#age) continue;
        await to.write(buffer.subarray(0, length));
      }
    } catch {
      // One end has closed it.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    await this.#done;
  }
}
