import { type Target, writeAll } from "./raw_connection.ts";
import { type SimulatedNode, streamRequest } from "./requests.ts";

const latin1 = new TextDecoder("latin1");

/** What a stream tells of what it gets. */
export interface StreamListener {
  /** A whole event has come. */
  onEvent(bytes: number): void;
  /** The server has hung up. */
  onEnd(retryMs: number): void;
}

/** Unless a server says otherwise. */
const RETRY_MS = 1_000;

/** Longer than a mark, so that one is found that comes in two pieces. */
const CARRY = 16;

/** One open event stream of one node. */
export class OpenStream {
  readonly #conn: Deno.Conn;
  readonly #listener: StreamListener;
  #retryMs = RETRY_MS;
  #closed = false;

  private constructor(conn: Deno.Conn, listener: StreamListener) {
    this.#conn = conn;
    this.#listener = listener;
  }

  /**
   * Resolves when the first bytes of the stream are there.
   *
   * @throws {Error} when the server refuses, or answers anything but a stream.
   */
  static async open(
    target: Target,
    node: SimulatedNode,
    listener: StreamListener,
  ): Promise<OpenStream> {
    const conn = await Deno.connect({ ...target });
    const stream = new OpenStream(conn, listener);
    try {
      await writeAll(conn, streamRequest(node));
      await stream.#start();
      return stream;
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  async #start() {
    // Small: ten thousand of them lie here.
    const buffer = new Uint8Array(2_048);
    let text = "";
    while (!text.includes("keep-alive")) {
      const count = await this.#conn.read(buffer);
      if (count === null) throw new Error("the server hung up");
      text += latin1.decode(buffer.subarray(0, count));
      if (!text.startsWith("HTTP/1.1 200")) {
        throw new Error(`no stream: ${text.slice(0, 80)}`);
      }
    }
    this.#listen(buffer);
  }

  async #listen(buffer: Uint8Array) {
    let carry = "";
    for (;;) {
      const count = await this.#conn.read(buffer).catch(() => null);
      if (this.#closed) return;
      if (count === null) break;
      const text = carry + latin1.decode(buffer.subarray(0, count));
      const retry = /retry: (\d+)\n/.exec(text)?.[1];
      if (retry !== undefined) this.#retryMs = Number(retry);
      const hasEvent = text.includes("data: ");
      carry = hasEvent ? "" : text.slice(-CARRY);
      if (hasEvent) this.#listener.onEvent(count);
    }
    this.close();
    this.#listener.onEnd(this.#retryMs);
  }
}
