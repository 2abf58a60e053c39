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
 * @returns undefined where the runtime has none: it is there with
 * `--unstable-net`, which deno.json and the compiled program ask for.
 */
export function openDatagramSender(): DatagramSender | undefined {
  if (typeof Deno.listenDatagram !== "function") return undefined;
  // Nobody answers, so this side needs no name.
  const socket = Deno.listenDatagram({ transport: "unixpacket", path: "" });
  return {
    async send(bytes, path) {
      // As systemd writes names without a file; Deno 2.7 refuses to send there.
      const name = path.startsWith("@") ? `\0${path.slice(1)}` : path;
      await socket.send(bytes, { transport: "unixpacket", path: name });
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
