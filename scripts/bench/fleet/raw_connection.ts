/** What is told of an answer; its body is only counted. */
export interface RawAnswer {
  readonly status: number;
  readonly etag: string | undefined;
  /** Length of the body. */
  readonly bytes: number;
}

/** Where a server listens. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
}

const latin1 = new TextDecoder("latin1");

/** Longer than any head. */
const HEAD_BYTES = 4_096;

/**
 * A kept connection that speaks just enough HTTP/1.1 to make calls, so that on
 * two cores the server is the one that is measured.
 */
export class RawConnection implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(1 << 18);

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  static async open(target: Target): Promise<RawConnection> {
    return new RawConnection(await Deno.connect({ ...target }));
  }

  /** @throws {Error} when the server hangs up. */
  async call(request: Uint8Array): Promise<RawAnswer> {
    await writeAll(this.#conn, request);
    let have = 0;
    let end = -1;
    let head = "";
    while (end < 0) {
      have += await this.#read(have);
      head = latin1.decode(
        this.#buffer.subarray(0, Math.min(have, HEAD_BYTES)),
      );
      end = head.indexOf("\r\n\r\n");
    }
    head = head.slice(0, end);
    const bytes = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    let left = bytes - (have - end - 4);
    while (left > 0) left -= await this.#read(0);
    return {
      status: Number(head.slice(9, 12)),
      etag: /\r\netag: ([^\r]+)/i.exec(head)?.[1],
      bytes,
    };
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #read(at: number): Promise<number> {
    const count = await this.#conn.read(this.#buffer.subarray(at));
    if (count === null) throw new Error("the server hung up");
    return count;
  }
}

/** A socket may take less than it is given. */
export async function writeAll(
  conn: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}
