import type { Certificates } from "./certificates.ts";

/**
 * A TLS server that answers every GET with a page, and takes only clients with
 * a certificate of the authority: openssl's own, since the runtime cannot ask
 * for certificates in every version.
 */
export class StrictTlsServer implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;

  private constructor(
    process: Deno.ChildProcess,
    reading: Promise<unknown>,
    readonly url: string,
  ) {
    this.#process = process;
    this.#reading = reading;
  }

  /** @param folder For its files; the caller removes it. */
  static async start(
    { ca, server }: Certificates,
    folder: string,
  ): Promise<StrictTlsServer> {
    await Deno.writeTextFile(`${folder}/ca.pem`, ca);
    await Deno.writeTextFile(`${folder}/server.pem`, server.cert + server.key);
    const process = new Deno.Command("openssl", {
      args: [
        "s_server",
        "-accept",
        "127.0.0.1:0",
        "-cert",
        `${folder}/server.pem`,
        "-CAfile",
        `${folder}/ca.pem`,
        "-Verify",
        "1",
        "-verify_return_error",
        "-www",
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const found = Promise.withResolvers<string>();
    const read = async () => {
      let text = "";
      const output = process.stdout.pipeThrough(new TextDecoderStream());
      for await (const part of output) {
        text += part;
        const port = /ACCEPT \S*:(\d+)/.exec(text)?.[1];
        if (port) found.resolve(port);
      }
      found.reject(new Error(`openssl s_server ended: ${text}`));
    };
    const reading = Promise.all([read(), process.stderr.cancel()]);
    const port = await found.promise;
    return new StrictTlsServer(process, reading, `https://localhost:${port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    await this.#reading;
    await this.#process.status;
  }
}
