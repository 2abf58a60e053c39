import { systemRandom } from "./random.ts";

/** Sends datagrams to Unix sockets. Dispose of it to close its own socket. */
export interface DatagramSender extends Disposable {
  /**
   * @param path Of the socket; one that starts with `@` has no file.
   * @throws when nobody listens there, or the runtime cannot send to such one.
   */
  send(bytes: Uint8Array<ArrayBuffer>, path: string): Promise<void>;
}

/**
 * Opens a sender of Unix datagrams.
 *
 * @param folder Where files may be made.
 * @returns undefined where the runtime has none: it is there with
 * `--unstable-net`, which deno.json and the compiled program ask for.
 * @throws when no file can be made in `folder`.
 */
export function openDatagramSender(folder: string): DatagramSender | undefined {
  if (typeof Deno.listenDatagram !== "function") return undefined;
  const socket = openSocket(folder);
  return {
    async send(bytes, path) {
      // As systemd writes names without a file; Deno 2.7 refuses to send there.
      const name = path.startsWith("@") ? `\0${path.slice(1)}` : path;
      await socket.send(bytes, { transport: "unixpacket", path: name });
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

/**
 * A socket that nobody can send to. A process that lacks any permission may
 * open none without a name, so it gets one, which is taken away at once.
 */
function openSocket(folder: string): Deno.DatagramConn {
  const cradle = `${folder}/.plexd-${systemRandom.bytes(6).toHex()}`;
  Deno.mkdirSync(cradle, { mode: 0o700 });
  try {
    const path = `${cradle}/n`;
    const socket = Deno.listenDatagram({ transport: "unixpacket", path });
    Deno.removeSync(path);
    return socket;
  } finally {
    Deno.removeSync(cradle);
  }
}
