/** What one datagram told, by name. */
export type Told = Readonly<Record<string, string>>;

/** A socket as systemd opens it, and what was told there. */
export class ServiceSocket implements AsyncDisposable {
  readonly #socket: Deno.DatagramConn;
  readonly #reading: Promise<void>;
  readonly told: Told[] = [];
  #changed = Promise.withResolvers<void>();

  private constructor(readonly folder: string, readonly path: string) {
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
    this.#reading = this.#read();
  }

  static async open(): Promise<ServiceSocket> {
    const folder = await Deno.makeTempDir({ prefix: "plexd-notify-" });
    return new ServiceSocket(folder, `${folder}/notify`);
  }

  /** Waits for a datagram after the first `from`. @returns its position. */
  async hears(fits: (told: Told) => boolean, from = 0): Promise<number> {
    for (;;) {
      const at = this.told.findIndex((one, i) => i >= from && fits(one));
      if (at >= 0) return at;
      await this.#changed.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#reading;
    await Deno.remove(this.folder, { recursive: true });
  }

  async #read() {
    try {
      for await (const [bytes] of this.#socket) {
        const lines = new TextDecoder().decode(bytes).split("\n");
        this.told.push(Object.fromEntries(lines.map((line) => {
          const at = line.indexOf("=");
          return [line.slice(0, at), line.slice(at + 1)];
        })));
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      }
    } catch {
      // Closed.
    }
  }
}
